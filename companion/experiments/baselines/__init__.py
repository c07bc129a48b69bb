"""SLUG beside every system that the paper names, and beside trivial ones."""

from companion.config import Profile
from companion.experiments.baselines.settings import Comparisons
from companion.pipeline.cost import Cost
from companion.pipeline.steps import Page, Scope, Step


def _cost(profile: Profile) -> list[Cost]:
    # Here, because it needs jax, which the graph does not wait for.
    from companion.experiments.baselines.cost import cost

    return cost(profile)


SETTINGS = (Comparisons,)
STEPS = (
    Step(
        "comparisons",
        Scope.MIXED,
        "companion.experiments.baselines.step:run",
        inputs=(
            "data/train_B.npy",
            "data/test.npy",
            "data/test.csv",
            "data/masks.npy",
            "model.msgpack",
            "posterior.npz",
        ),
        outputs=("comparisons.csv", "costs.csv"),
        settings=("model", "training", "curvature", "scores", "comparisons"),
        code=("slugkit.baselines", "slugkit.estimators", "slugkit.solvers"),
        priority=2,
        cost=_cost,
        gigabytes=16,
        minutes=1440,
        kept={
            "comparisons.csv": "companion.experiments.baselines.records:compact",
            "costs.csv": "",
        },
    ),
)
PAGES = (Page("comparisons", shows=("comparisons", "scores"), reads_recorded=True),)
