"""How far scores with a sketched basis are from those with the full one."""

from companion.config import Profile
from companion.experiments.sketch.settings import Sketch
from companion.pipeline.cost import Cost, passes
from companion.pipeline.steps import Page, Scope, Step


def _cost(profile: Profile) -> list[Cost]:
    settings = profile.experiment(Sketch)
    products = 4 * settings.rank + max(settings.steps)
    trained = passes("ggn_product", products, settings.train_images, profile.curvature.batch_size)
    growth = settings.growth
    if growth is None:
        return [trained]
    # The price of a product follows the outputs and, of wide networks, the parameters.
    sizes = [sum(width**2 for width in widths) for widths in growth.widths]
    base = sum(width**2 for width in profile.model.widths)
    pixels = (growth.image_size / profile.data.image_size) ** 2
    images = growth.images * pixels * sum(max(1.0, size / base) for size in sizes)
    return [trained, Cost("ggn_product", growth.steps, images)]


SETTINGS = (Sketch,)
STEPS = (
    Step(
        "sketch",
        Scope.FIRST,
        "companion.experiments.sketch.step:run",
        inputs=("data/train_B.npy", "data/test.csv", "model.msgpack"),
        outputs=("sketch.csv", "sketch_growth.csv"),
        settings=("model", "curvature", "sketch"),
        priority=2,
        cost=_cost,
        gigabytes=16,
        minutes=1440,
        kept={"sketch.csv": "", "sketch_growth.csv": ""},
    ),
)
PAGES = (Page("sketch", shows=("sketch",), decides_claims=True),)
