"""Which choice decides how well the score works, one change at a time in a small setting."""

from dataclasses import replace

from companion.config import Profile
from companion.experiments.ablation.settings import EVIDENCE_SAMPLES, EVIDENCE_STEPS, Ablation
from companion.experiments.curvature import CURVATURE
from companion.experiments.data import PREPARE
from companion.experiments.data.counts import num_test_images
from companion.experiments.training import TRAIN
from companion.pipeline.cost import Cost, passes, trainings
from companion.pipeline.steps import Page, Scope, Step


def _products(profile: Profile, number: float) -> Cost:
    """Products with G of the small setting."""
    settings = profile.curvature
    return passes("ggn_product", number, profile.data.skin.train, settings.batch_size)


def _directions(profile: Profile, posteriors: int) -> Cost:
    """One set of products serves all the weightings of a posterior."""
    number = posteriors * (profile.scores.num_samples + profile.curvature.rank)
    count = num_test_images(profile, mixed=True)
    return passes("jacobian_product", number, count, profile.scores.batch_size)


def _cost(profile: Profile) -> list[Cost]:
    settings, fit = profile.experiment(Ablation), profile.curvature.max_products
    networks = [profile.changed(changes).training for changes in settings.networks]
    additional = len(networks) + len(settings.subsets)
    train = profile.data.skin.train
    return [
        *(trainings(1, one.epochs, train, one.batch_size) for one in networks),
        # The decoder alone and the additional networks; then the evidence.
        _products(profile, fit * (1 + additional) + EVIDENCE_SAMPLES * EVIDENCE_STEPS),
        _directions(profile, 2 + additional),
    ]


def _cost_of_versions(profile: Profile) -> list[Cost]:
    # The decoder alone, and the perceptual loss in the curvature; then the evidence.
    fits = profile.curvature.max_products * 2
    return [
        _products(profile, fits + EVIDENCE_SAMPLES * EVIDENCE_STEPS),
        _directions(profile, 4),
    ]


BASE = (
    "data/train_B.npy",
    "data/test.csv",
    "data/test.npy",
    "data/masks.npy",
    "model.msgpack",
    "posterior.npz",
)

SETTINGS = (Ablation,)
STEPS = (
    replace(PREPARE, part="ablation", priority=1),
    replace(
        TRAIN, part="ablation", scope=Scope.MIXED, priority=1, gigabytes=4, minutes=480, kept={}
    ),
    replace(
        CURVATURE, part="ablation", scope=Scope.MIXED, priority=1, gigabytes=4, minutes=480, kept={}
    ),
    Step(
        "ablation",
        Scope.MIXED,
        "companion.experiments.ablation.step:run",
        inputs=BASE,
        outputs=("ablation.csv",),
        settings=("model", "training", "curvature", "scores", "statistics", "ablation"),
        part="ablation",
        priority=1,
        cost=_cost,
        minutes=480,
        kept={"ablation.csv": ""},
    ),
    Step(
        "score_versions",
        Scope.MIXED,
        "companion.experiments.ablation.versions_step:run",
        inputs=BASE,
        outputs=("score_versions.csv",),
        settings=("model", "curvature", "scores", "ablation"),
        part="ablation",
        priority=1,
        cost=_cost_of_versions,
        minutes=480,
        kept={"score_versions.csv": "companion.experiments.objects.records:shorten"},
    ),
)
PAGES = (Page("ablation", shows=("ablation", "ablation_score_versions"), reads_recorded=True),)
