"""Models that were written with other libraries."""

from companion.pipeline.steps import Page

PAGES = (
    Page("other_libraries", shows=("prepare",), files=("benchmarks/results/torch-models.json",)),
)
