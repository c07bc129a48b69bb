"""Pages that look over all the others: the verdicts, the recorded runs and what each step took."""

from companion.pipeline.steps import Page

PAGES = (
    Page(
        "claims",
        reads_verdicts=True,
        reads_recorded=True,
        files=("benchmarks/results/verdicts.json",),
    ),
    Page("recorded", reads_recorded=True),
    Page("status", reads_records=True, reads_recorded=True),
)
