"""Linear algebra by products alone: one algorithm a file, named after it."""
