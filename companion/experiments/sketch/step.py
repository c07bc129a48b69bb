"""Scores with sketched bases of a trained network, and of untrained ones of several widths."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
import pandas as pd

from companion.experiments.data.pools import at_size, one_of_each_tone
from companion.experiments.sketch.measure import krylov_bases, measure, outside, pulled_probes
from companion.experiments.sketch.settings import Growth, Sketch
from slugkit.errors import InputError
from slugkit.linalg.lanczos import lanczos
from slugkit.model import training
from slugkit.model.vae import Architecture, TrainedVAE, initialise
from slugkit.operators.ggn import ggn_product
from slugkit.operators.parameters import flatten
from slugkit.progress import Progress

if TYPE_CHECKING:
    from companion.pipeline.jobs import Job


def run(job: "Job", facts: dict[str, Any]) -> None:
    """Write sketch.csv, of the first trained network, and sketch_growth.csv; see `measure`.

    The former has one more column, space: the score with the basis, without a sketch, over that
    with the leading eigenvectors; the latter is of untrained networks.
    """
    settings = job.profile.experiment(Sketch)
    architecture = job.profile.architecture()
    model = training.load_model(job.file("model.msgpack"), architecture)
    train = job.read_array("data/train_B.npy")
    images = at_size(one_of_each_tone(job.read_table("data/test.csv")), architecture.image_size)
    batch_size = job.profile.curvature.batch_size
    key = jax.random.key(job.seed)
    trained = _of_trained(model, train[: settings.train_images], images, settings, batch_size, key)
    job.save_table("sketch.csv", trained)

    growth, tables = settings.growth, [trained.drop(columns="space").head(0)]
    if growth is None:
        job.save_table("sketch_growth.csv", tables[0])
        return
    progress = Progress("sketch: widths")
    small = smaller(train[: growth.images], growth.image_size)
    for number, widths in enumerate(growth.widths):
        shape = replace(architecture, image_size=growth.image_size, widths=widths)
        tables.append(_of_untrained(shape, job.seed, growth, settings, small, key))
        progress(number + 1, len(growth.widths), f"{widths} channels")
    job.save_table("sketch_growth.csv", pd.concat(tables, ignore_index=True))


def _of_trained(
    model: TrainedVAE,
    train: np.ndarray,
    images: np.ndarray,
    settings: Sketch,
    batch_size: int,
    key: jax.Array,
) -> pd.DataFrame:
    apply, parameters = model.reconstruct(), flatten(model.params)
    product = ggn_product(apply, parameters, train, batch_size=batch_size)
    most = 4 * settings.rank
    leading = lanczos(product, parameters.size, settings.rank, seed=0, max_products=most).vectors
    bases = krylov_bases(product, parameters.size, settings.steps, seed=0)
    pulled = pulled_probes(apply, parameters, images, settings.num_samples, key)
    table = measure(
        pulled,
        bases,
        kinds=settings.sketches,
        sizes=[round(fraction * parameters.size) for fraction in settings.fractions],
        repeats=settings.repeats,
    )
    # The fraction of each image's Jacobian norm that is outside of the eigenvectors.
    left = outside(pulled, leading) / outside(pulled, leading[:0])
    return table.assign(space=(1 - table["removed"]) / left[table["image"]])


def _of_untrained(
    architecture: Architecture,
    seed: int,
    growth: Growth,
    settings: Sketch,
    images: np.ndarray,
    key: jax.Array,
) -> pd.DataFrame:
    model = initialise(architecture, seed)
    apply, parameters = model.reconstruct(), flatten(model.params)
    # One image at a time, as the probes are pulled back: the network is compiled once.
    product = ggn_product(apply, parameters, images, batch_size=1)
    bases = krylov_bases(product, parameters.size, [growth.steps], seed=0)
    return measure(
        pulled_probes(apply, parameters, images[:2], growth.num_samples, key),
        bases,
        kinds=["srft"],
        sizes=[size for size in growth.sizes if size <= parameters.size],
        repeats=settings.repeats,
    )


def smaller(images: np.ndarray, size: int) -> np.ndarray:
    """Return images of another size, each pixel the mean of a square of pixels."""
    factor = images.shape[1] // size
    if factor * size != images.shape[1]:
        raise InputError(
            f"experiments.sketch.growth.image_size is {size}, which does not divide the "
            f"{images.shape[1]} pixels of the images; give a divisor of it"
        )
    squares = images.reshape(len(images), size, factor, size, factor, -1)
    return squares.mean(axis=(2, 4))
