"""Error, encoder and SLUG of every test image, with the pixel maps: the paper's four figures."""

from companion.config import Profile
from companion.experiments.data.counts import num_test_images
from companion.pipeline.cost import Cost, passes
from companion.pipeline.steps import Page, Scope, Step


def _cost(profile: Profile) -> list[Cost]:
    settings = profile.scores
    # One network in three is the mixed one, which scores more images.
    images = [num_test_images(profile, mixed=mixed) for mixed in (True, False, False)]
    return [
        passes("jacobian_product", settings.num_samples / 3, count, settings.batch_size)
        for count in images
    ]


STEPS = (
    Step(
        "scores",
        Scope.NETWORK,
        "companion.experiments.scores.step:run",
        inputs=(
            "data/train_{dataset}.npy",
            "data/test.npy",
            "data/test.csv",
            "model.msgpack",
            "posterior.npz",
        ),
        outputs=("scores.csv", "reconstruction.npy", "uncertainty.npy"),
        settings=("model", "scores"),
        cost=_cost,
        gigabytes=16,
        minutes=1440,
        kept={"scores.csv": ""},
    ),
    Step(
        "object_maps",
        Scope.MIXED,
        "companion.experiments.scores.object_maps_step:run",
        inputs=(
            "data/test.npy",
            "data/test.csv",
            "data/masks.npy",
            "scores.csv",
            "reconstruction.npy",
            "uncertainty.npy",
        ),
        outputs=("object_maps.csv",),
        settings=("scores",),
        kept={"object_maps.csv": "companion.experiments.objects.records:shorten"},
    ),
)
PAGES = (
    Page("at_a_glance", shows=("scores",)),
    Page("fig1", shows=("scores",), decides_claims=True, reads_recorded=True),
    Page("fig2", shows=("scores",), decides_claims=True, reads_recorded=True),
    Page("fig3", shows=("scores",), decides_claims=True, reads_recorded=True),
    Page("fig4", shows=("scores", "object_maps"), decides_claims=True, reads_recorded=True),
    Page("explorer", shows=("scores",)),
)
