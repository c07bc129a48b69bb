"""How far scores with a sketched basis are from those with the full one."""

from companion.config import Profile
from companion.experiments.sketch.settings import Sketch
from companion.pipeline.cost import Cost, passes
from companion.pipeline.steps import Page, Scope, Step


def _cost(profile: Profile) -> list[Cost]:
    settings = profile.experiment(Sketch)
    sketched = len(settings.sketches) * len(settings.shares) * sum(settings.steps)
    products = 4 * settings.rank + sketched
    return [passes("ggn_product", products, settings.train_images, profile.curvature.batch_size)]


SETTINGS = (Sketch,)
STEPS = (
    Step(
        "sketch",
        Scope.FIRST,
        "companion.experiments.sketch.step:run",
        inputs=("data/train_B.npy", "data/test.csv", "model.msgpack"),
        outputs=("sketch.csv",),
        settings=("model", "curvature", "sketch"),
        code=("slugkit.estimators.hutchinson", "slugkit.solvers"),
        priority=2,
        cost=_cost,
        gigabytes=16,
        minutes=1440,
        kept={"sketch.csv": ""},
    ),
)
PAGES = (Page("sketch", shows=("sketch",), decides_claims=True),)
