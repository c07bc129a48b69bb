"""How `slug.fit` finds the leading eigenvectors: one solver a file, each with its own options."""
