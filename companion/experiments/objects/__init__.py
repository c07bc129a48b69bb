"""Overlay foreign objects on held-out images and score them."""

from companion.config import Profile
from companion.experiments.objects.settings import ForeignObjects
from companion.pipeline.cost import Cost, passes
from companion.pipeline.steps import Page, Scope, Step


def _cost(profile: Profile) -> list[Cost]:
    settings, batch_size = profile.experiment(ForeignObjects), profile.scores.batch_size
    kinds = len(settings.kinds)
    drawn = 1 + kinds * len(settings.scales) * len(settings.contrasts)
    products = settings.num_samples
    return [
        passes("jacobian_product", drawn * products, settings.images, batch_size),
        passes("jacobian_product", kinds * products, max(1, settings.lesions), batch_size),
    ]


SHORTEN = "companion.experiments.objects.records:shorten"

SETTINGS = (ForeignObjects,)
STEPS = (
    Step(
        "objects",
        Scope.MIXED,
        "companion.experiments.objects.step:run",
        inputs=("data/test.npy", "data/test.csv", "model.msgpack", "posterior.npz"),
        outputs=("objects.csv", "lesions.csv"),
        settings=("model", "scores", "objects"),
        cost=_cost,
        gigabytes=16,
        minutes=1440,
        kept={"objects.csv": SHORTEN, "lesions.csv": SHORTEN},
    ),
)
PAGES = (
    Page("foreign_objects", shows=("objects", "scores"), decides_claims=True, reads_recorded=True),
)
