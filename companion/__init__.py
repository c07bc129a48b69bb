"""The paperwork of the book: profiles, provenance, metrics, claims, figures."""
