"""Which layers of the network SLUG comes from."""

from companion.config import Profile
from companion.experiments.layers.settings import Layers
from companion.pipeline.cost import Cost, passes
from companion.pipeline.steps import Scope, Step

# About so many layers have random directions of their own.
NUM_LAYERS = 14


def _cost(profile: Profile) -> list[Cost]:
    settings = profile.experiment(Layers)
    products = NUM_LAYERS * settings.num_samples
    return [passes("jacobian_product", products, 2 * settings.images, profile.scores.batch_size)]


SETTINGS = (Layers,)
STEPS = (
    Step(
        "layers",
        Scope.MIXED,
        "companion.experiments.layers.step:run",
        inputs=("data/test.npy", "data/test.csv", "model.msgpack", "posterior.npz"),
        outputs=("layers.csv",),
        settings=("model", "scores", "layers"),
        cost=_cost,
        kept={"layers.csv": "companion.experiments.objects.records:shorten"},
    ),
)
