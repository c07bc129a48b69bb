"""What SLUG tells: about the error, beside what costs nothing, by group, and for a decision."""

from companion.pipeline.steps import Page

PAGES = (Page("what_slug_tells", shows=("comparisons", "scores", "layers")),)
