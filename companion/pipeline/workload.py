"""What each part of the graph has to compute, counted from the profile and the weights at hand."""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

from companion.config import Profile
from companion.experiments.ablation.base import EVIDENCE_SAMPLES, EVIDENCE_STEPS
from companion.experiments.estimators.measure import MAPS, SCORES
from companion.paths import DATASETS, data_root
from slugkit.baselines.bayesian_vae import STIFFNESS_PRODUCTS, BayesianVAE
from slugkit.baselines.interface import configured
from slugkit.baselines.laplacian_autoencoder import LaplacianAutoencoder
from slugkit.baselines.linearised import SketchedLanczosUncertainty
from slugkit.baselines.retrained import DeepEnsemble
from slugkit.model import perceptual
from slugkit.model.vae import initialise, num_parameters

BYTES = 4  # of a float32
# Images, and for each its reconstruction and the sum and the error of its map.
ARRAYS_OF_SCORES = 4
LABORATORY_PART = "laboratory"  # the ablation's own images and networks

Kind = Literal["training_step", "ggn_product", "jacobian_product"]


class Steps(NamedTuple):
    """Steps of one kind; what they cost grows with their number times the images in each.

    A forward pass costs about what a Jacobian-vector product does, and a backward pass less than a
    product with G: they are counted as those.
    """

    kind: Kind
    number: int
    images: float  # in one step; a fraction stands for an image of another size


@dataclass(frozen=True)
class Work:
    """What all jobs of one part of the graph compute, and what they hold."""

    part: str
    jobs: int
    steps: tuple[Steps, ...]  # of all jobs
    data: float = 0  # bytes that one job holds beside its activations
    disk: float = 0  # bytes, of all jobs
    in_laboratory: bool = False  # whether its images and its network are those of the ablation


def workload(profile: Profile) -> list[Work]:
    """Return the parts of the graph whose steps can be counted, in its order.

    Not counted: compilation, the decoding of images, statistics and pages.
    """
    parts = [*_models(profile), *_experiments(profile)]
    if profile.experiments.comparisons:
        parts.append(_comparisons(profile))
    if profile.experiments.objects:
        parts.append(_objects(profile))
    if profile.experiments.ablation:
        parts += _of_laboratory(profile)
    return parts


def num_test_images(profile: Profile, dataset: str) -> int:
    """Return how many images are scored: for data set B also the external ones and the objects."""
    external, count = profile.data.external, 2 * profile.data.skin.test
    if dataset != "B":
        return count
    if external is not None:
        count += external.per_type * len(external.types)
    return count + _num_clean_and_objects(profile)


def num_parameters_of(profile: Profile) -> int:
    """Return the number of parameters of the profile's network."""
    return num_parameters(initialise(profile.architecture(), 0).params)


def _models(profile: Profile) -> list[Work]:
    """Training, curvature and scores of every data set and seed."""
    seeds, size = len(profile.seeds), num_parameters_of(profile)
    models = seeds * len(DATASETS)
    held = _bytes(profile, profile.data.skin.train)
    tested = _bytes(profile, num_test_images(profile, "B"))
    basis = profile.curvature.rank * size * BYTES
    pushes = [
        _pushes(profile, seeds * profile.scores.num_samples, num_test_images(profile, dataset))
        for dataset in DATASETS
    ]
    return [
        Work("train", models, (_training(profile, models),), held, 2 * models * size * BYTES),
        Work(
            "curvature",
            models,
            _fits(profile, models),
            held + profile.curvature.max_products * size * BYTES,
            models * basis,
        ),
        Work(
            "scores",
            models,
            tuple(pushes),
            ARRAYS_OF_SCORES * tested + basis,
            seeds * tested * 4 / 3,
        ),
    ]


def _experiments(profile: Profile) -> list[Work]:
    settings, sketch = profile.experiments.estimators, profile.experiments.sketch
    basis = profile.curvature.rank * num_parameters_of(profile) * BYTES
    single = []
    for side, most in settings.most_products.items():
        scale = (side / profile.data.image_size) ** 2
        scores = len(SCORES) * settings.score_repeats * _within(settings.score_budgets, most)
        maps = len(MAPS) * _within(settings.map_budgets, most)
        references = settings.reference_outputs + settings.reference_products
        number = settings.images * (scores + maps + references)
        single.append(Steps("jacobian_product", number, scale))
        if side != profile.data.image_size:
            products = profile.curvature.max_products * settings.train_images
            single.append(Steps("ggn_product", products, scale))
    products = 4 * sketch.rank + len(sketch.sketches) * len(sketch.shares) * sum(sketch.steps)
    tested = _bytes(profile, settings.images)
    return [
        Work("estimators", 1, tuple(single), tested + basis),
        Work(
            "sketch",
            1,
            (_products(profile, products, sketch.train_images),),
            _bytes(profile, sketch.train_images) + 4 * basis,
        ),
    ]


def _comparisons(profile: Profile) -> Work:
    """The further networks, and what the comparators compute with them."""
    settings, seeds = profile.experiments.comparisons, len(profile.seeds)
    assert settings is not None
    count, batch = profile.data.skin.train, profile.scores.batch_size
    tests = 2 * profile.data.skin.test + _num_clean_and_objects(profile)
    # The last layer's eigenpairs and, for each of two comparators, the diagonal of G.
    made = configured(settings.baselines)
    ensemble, slu = made["deep_ensemble"], made["sketched_lanczos"]
    laplace, chain = made["laplacian_autoencoder"], made["bayesian_vae"]
    assert isinstance(ensemble, DeepEnsemble)
    assert isinstance(slu, SketchedLanczosUncertainty)
    assert isinstance(laplace, LaplacianAutoencoder)
    assert isinstance(chain, BayesianVAE)
    products = profile.curvature.max_products
    products += laplace.curvature_samples + chain.curvature_samples
    moves = chain.num_steps(settings.num_samples)
    vectors = (profile.curvature.max_products + ensemble.members) * num_parameters_of(profile)
    return Work(
        "comparisons",
        seeds,
        (
            # The first member of the ensemble is there already; one network more has dropout.
            _training(profile, seeds * ensemble.members),
            Steps("training_step", seeds * moves, min(batch, count)),
            _over("ggn_product", seeds * products, count, batch),
            _over(
                "ggn_product",
                seeds * slu.num_steps,
                min(slu.num_images or count, count),
                batch,
            ),
            Steps("ggn_product", seeds * STIFFNESS_PRODUCTS, min(batch, count)),
            # SLUG, the Jacobian norm, the last layer and SLU; three others only pass forward.
            _pushes(profile, 7 * seeds * settings.num_samples, tests),
        ),
        _bytes(profile, count + ARRAYS_OF_SCORES * tests) + vectors * BYTES,
    )


def _objects(profile: Profile) -> Work:
    settings, seeds = profile.experiments.objects, len(profile.seeds)
    assert settings is not None
    kinds = len(settings.kinds)
    drawn = 1 + kinds * len(settings.scales) * len(settings.contrasts)
    most = max(settings.images, settings.lesions)
    return Work(
        "objects",
        seeds,
        (
            _pushes(profile, seeds * drawn * settings.num_samples, settings.images),
            _pushes(profile, seeds * kinds * settings.num_samples, settings.lesions),
        ),
        # Without the object, and with it.
        _bytes(profile, 2 * ARRAYS_OF_SCORES * most)
        + profile.curvature.rank * num_parameters_of(profile) * BYTES,
    )


def _of_laboratory(profile: Profile) -> list[Work]:
    """The ablation's base networks, its variants and the versions of the score."""
    small, settings = profile.laboratory(), profile.experiments.ablation
    assert settings is not None
    seeds, fit, count = len(small.seeds), small.curvature.max_products, small.data.skin.train
    skin = 2 * small.data.skin.test
    tests = skin + small.data.objects.per_kind * len(small.data.objects.kinds)
    # The perceptual loss takes part where its weights are.
    there = perceptual.find_weights(data_root()) is not None
    networks = [dict(one) for one in settings.networks]
    networks = [one for one in networks if there or "perceptual_weight" not in one]
    perceived = int(there and settings.perceptual_weight > 0)
    evidence = _products(small, seeds * EVIDENCE_SAMPLES * EVIDENCE_STEPS, count)
    # One set of products serves all the weightings of a posterior.
    directions = seeds * (small.scores.num_samples + small.curvature.rank)
    posteriors = 2 + len(settings.subsets) + len(networks)
    held = _bytes(small, count + ARRAYS_OF_SCORES * tests) + fit * num_parameters_of(small) * BYTES
    return [
        Work(
            LABORATORY_PART,
            seeds,
            (_training(small, seeds), *_fits(small, seeds)),
            held,
            in_laboratory=True,
        ),
        Work(
            "ablation",
            seeds,
            (
                *(_training(small.changed(one), seeds) for one in networks),
                # The decoder alone, and the further networks.
                _products(small, seeds * fit * (1 + len(networks)), count),
                *(_products(small, seeds * fit, size) for size in settings.subsets),
                evidence,
                _pushes(small, directions * posteriors, tests),
            ),
            held,
            in_laboratory=True,
        ),
        Work(
            "score_versions",
            seeds,
            (
                # The decoder alone, and the perceptual loss in the curvature.
                _products(small, seeds * fit * (1 + perceived), count),
                evidence,
                _pushes(small, directions * (3 + perceived), skin),
            ),
            held,
            in_laboratory=True,
        ),
    ]


def _training(profile: Profile, networks: int) -> Steps:
    training, count = profile.training, profile.data.skin.train
    steps = training.epochs * max(1, count // training.batch_size)
    return Steps("training_step", networks * steps, min(training.batch_size, count))


def _fits(profile: Profile, models: int) -> tuple[Steps, Steps]:
    """Lanczos, and the samples of the trace, which see the same batches."""
    settings, count = profile.curvature, profile.data.skin.train
    samples = models * settings.trace_samples
    return (
        _products(profile, models * settings.max_products, count),
        _over("jacobian_product", samples, count, settings.batch_size),
    )


def _products(profile: Profile, number: int, images: int) -> Steps:
    return _over("ggn_product", number, images, profile.curvature.batch_size)


def _pushes(profile: Profile, number: int, images: int) -> Steps:
    return _over("jacobian_product", number, images, profile.scores.batch_size)


def _over(kind: Kind, number: int, images: int, batch_size: int) -> Steps:
    """Return the steps of so many passes over all images, which are spread evenly."""
    batches = math.ceil(images / batch_size)
    return Steps(kind, number * batches, images / max(1, batches))


def _within(budgets: tuple[int, ...], most: int) -> int:
    return sum(budget for budget in budgets if budget <= most)


def _num_clean_and_objects(profile: Profile) -> int:
    objects = profile.data.objects
    drawn = objects.per_kind * (1 + len(objects.kinds))
    return drawn + sum((objects.tagged or {}).values())


def _bytes(profile: Profile, images: int) -> float:
    return images * profile.data.image_size**2 * 3 * BYTES
