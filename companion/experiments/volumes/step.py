"""Train a network on phantoms, lay a needle into new ones, and score them."""

import time
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from companion.experiments.volumes import network
from companion.experiments.volumes.settings import Volumes
from companion.statistics.metrics import pixel_auroc
from slugkit import slug
from slugkit.data.synthesis.phantoms import phantoms, with_needles
from slugkit.operators.batches import evaluate
from slugkit.operators.jacobian import compiled
from slugkit.posterior import Posterior

if TYPE_CHECKING:
    from companion.pipeline.jobs import Job


def run(job: "Job", facts: dict[str, Any]) -> None:
    """Write volumes.csv and volume_example.npy.

    The first has a row per test volume: the score (intensity²) and the mean squared error of the
    volume with the needle and without, and the AUROC of the needle's voxels by the map of variances
    and by the squared error. The second holds one test volume with its needle, the reconstruction,
    the map of variances and the mask, (4, s, s, s). The record holds what volumes cost, and images
    with as many outputs, by a network that is not trained.
    """
    settings = job.profile.experiment(Volumes)
    volume, image = 3 * (settings.side,), 2 * (settings.image_side,)
    facts["costs"] = {
        "volumes": _cost(volume, settings, job.seed),
        "images": _cost(image, settings, job.seed),
    }
    keys = jax.random.split(jax.random.key(job.seed), 3)
    train, _ = phantoms(settings.train, volume, job.seed)
    params = network.train(network.initialise(volume, keys[0]), train, settings.steps, keys[1])
    posterior = _fit(params, train, settings, keys[2])
    table, example = _tested(posterior, params, volume, settings, job.seed, keys[2])
    job.save_table("volumes.csv", table)
    job.save_array("volume_example.npy", example)


def _tested(
    posterior: Posterior,
    params: network.Params,
    shape: tuple[int, ...],
    settings: Volumes,
    seed: int,
    key: jax.Array,
) -> tuple[pd.DataFrame, np.ndarray]:
    clean, _ = phantoms(settings.test, shape, seed + 1)
    foreign, masks = with_needles(clean, seed + 2)
    options: Any = {"num_samples": settings.num_samples, "key": key}
    score, variance = slug.score_and_variance(posterior, foreign, **options)
    error = (evaluate(network.reconstruct, params, foreign) - foreign) ** 2
    clean_error = (evaluate(network.reconstruct, params, clean) - clean) ** 2
    table = pd.DataFrame(
        {
            "slug": score.value,
            "slug_clean": slug.score(posterior, clean, **options).value,
            "mse": error.mean(axis=(1, 2, 3, 4)),
            "mse_clean": clean_error.mean(axis=(1, 2, 3, 4)),
            "slug_auroc": _aurocs(variance.value, masks),
            "error_auroc": _aurocs(error, masks),
        }
    )
    first = evaluate(network.reconstruct, params, foreign[:1])[0]
    parts = (foreign[0], first, variance.value[0])
    return table, np.stack([*(one[..., 0] for one in parts), masks[0]]).astype(np.float32)


def _aurocs(maps: np.ndarray, masks: np.ndarray) -> list[float]:
    return [pixel_auroc(one[..., 0], mask) for one, mask in zip(maps, masks, strict=True)]


def _fit(
    params: network.Params, images: np.ndarray, settings: Volumes, key: jax.Array
) -> Posterior:
    solver = slug.Lanczos(max_products=settings.max_products)
    made = slug.fit(network.reconstruct, params, images, rank=settings.rank, key=key, solver=solver)
    assert isinstance(made, Posterior)
    return made


def _cost(shape: tuple[int, ...], settings: Volumes, seed: int) -> dict[str, float]:
    """Return the times, and what the linearised model holds on to, of a network not trained."""
    key = jax.random.key(seed)
    images, _ = phantoms(settings.train, shape, seed)
    start = time.process_time()
    posterior = _fit(network.initialise(shape, key), images, settings, key)
    fit_seconds, parameters, image = time.process_time() - start, posterior.parameters, images[:1]

    program = compiled(posterior.apply, parameters.layout).lower(
        parameters.vector, parameters.fixed, jnp.asarray(image)
    )
    memory = program.compile().memory_analysis()
    options: Any = {"num_samples": settings.num_samples, "key": key}
    slug.pixel_variance(posterior, image, **options)  # compiles
    start = time.process_time()
    slug.pixel_variance(posterior, image, **options)
    return {
        "outputs": image.size,
        "parameters": parameters.size,
        "products": posterior.num_products,
        "fit_seconds": fit_seconds,
        "map_seconds": time.process_time() - start,
        "megabytes": (memory.temp_size_in_bytes + memory.output_size_in_bytes) / 1e6,
    }
