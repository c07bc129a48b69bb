"""What SLUG tells: about the error, beside what costs nothing, by group, and for a decision."""

from companion.pipeline.steps import Page, Scope, Step

STEPS = (
    Step(
        "calibration",
        Scope.MIXED,
        "companion.experiments.meaning.calibration:run",
        inputs=(
            "data/test.npy",
            "data/test.csv",
            "scores.csv",
            "reconstruction.npy",
            "uncertainty.npy",
        ),
        outputs=("calibration.csv",),
        settings=("scores",),
        kept={"calibration.csv": "companion.experiments.objects.records:shorten"},
    ),
)
PAGES = (
    Page(
        "what_slug_tells",
        shows=("comparisons", "scores", "layers", "calibration"),
        reads_recorded=True,
    ),
)
