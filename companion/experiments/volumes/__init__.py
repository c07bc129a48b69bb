"""Volumes in place of images: a small network in three dimensions, and one in two beside it."""

from companion.config import Profile
from companion.experiments.volumes.settings import BATCH_SIZE, Volumes
from companion.pipeline.cost import Cost
from companion.pipeline.steps import Page, Scope, Step


def _cost(profile: Profile) -> list[Cost]:
    settings = profile.experiment(Volumes)
    # As if by the network of the profile, which takes longer.
    size = settings.side**3 / (3 * profile.data.image_size**2)
    training = Cost("training_step", settings.steps, BATCH_SIZE * size)
    # The fit, and two of networks that are not trained.
    return [training, Cost("ggn_product", 3 * settings.max_products, settings.train * size)]


SETTINGS = (Volumes,)
STEPS = (
    Step(
        "volumes",
        Scope.FIRST,
        "companion.experiments.volumes.step:run",
        outputs=("volumes.csv", "volume_example.npy"),
        settings=("volumes",),
        priority=2,
        cost=_cost,
        gigabytes=16,
        minutes=1440,
        kept={"volumes.csv": ""},
    ),
)
PAGES = (
    Page(
        "volumes",
        shows=("prepare", "volumes"),
        files=("benchmarks/results/resolution.json", "benchmarks/results/large.json"),
    ),
)
