"""Score the test images: error, encoder standard deviation, SLUG, and for data set B maps."""

from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from companion.config import MIXED
from slugkit import slug
from slugkit.baselines.interface import Problem
from slugkit.baselines.trivial import EdgeEnergy, NearestInPixels, NormOfMean
from slugkit.estimators.pushforward import Pushforward
from slugkit.model import training
from slugkit.model.divergence import divergence
from slugkit.model.vae import TrainedVAE
from slugkit.operators.batches import evaluate
from slugkit.progress import Progress

if TYPE_CHECKING:
    from companion.pipeline.jobs import Job

# Foreign objects belong to the mixed training set alone (paper, figure 4).
SKIN_SETS = ("light", "dark", "external")
TRIVIAL = (EdgeEnergy(), NearestInPixels(), NormOfMean())


def run(job: "Job", facts: dict[str, Any]) -> None:
    """Write scores.csv, one row per image, and the reconstruction and the map of each.

    The columns added to the test table are `mse`, mean squared error per pixel and channel;
    `encoder_std`, mean standard deviation of q(z|x); `kl`, its divergence from the prior in nats;
    `slug` and `slug_standard_error`, in squared units of intensity summed over the image; and
    `num_products`, the Jacobian-vector products that each score took; and what costs nothing:
    `edge_energy`, `nearest_in_pixels` (of this network's training set) and `norm_of_mean`.
    """
    settings = job.profile.scores
    table = job.read_table("data/test.csv")
    images = job.read_images("data/test.npy", "data/test.csv")
    if job.dataset != MIXED:
        table = table[table["set"].isin(SKIN_SETS)]
    shown = images[table["image_id"]]
    model = training.load_model(job.file("model.msgpack"), job.profile.architecture())
    posterior = slug.load(job.file("posterior.npz"), model.reconstruct(), model.params)
    reconstruction, mean, deviation = _reconstruct(model, shown, settings.batch_size)
    score, variance = slug.score_and_variance(
        posterior,
        shown,
        num_samples=settings.num_samples,
        key=jax.random.key(job.seed),
        batch_size=settings.batch_size,
        estimator=Pushforward(),
        progress=Progress(f"scores {job.dataset}, seed {job.seed}: product"),
    )
    trivial = _trivial(job, model, shown)
    latent = tuple(range(1, mean.ndim))
    in_nats = divergence(mean, deviation**2, 2 * np.log(deviation)).sum(axis=latent)
    job.save_array("reconstruction.npy", reconstruction)
    job.save_array("uncertainty.npy", variance.value)
    scores = table.assign(
        dataset=job.dataset,
        seed=job.seed,
        mse=np.mean((shown - reconstruction) ** 2, axis=(1, 2, 3)),
        encoder_std=deviation.mean(axis=latent),
        kl=in_nats,
        slug=score.value,
        slug_standard_error=score.standard_error,
        num_products=score.num_products,
        **trivial,
    )
    job.save_table("scores.csv", scores)


def _reconstruct(
    model: TrainedVAE, images: np.ndarray, batch_size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the reconstructions, and the means and standard deviations of q(z|x)."""
    reconstruct, encode = model.reconstruct(), model.encode()
    # As one function the two share the encoder.
    return evaluate(
        lambda params, batch: (reconstruct(params, batch), *encode(params, batch)),
        model.params,
        images,
        batch_size,
    )


def _trivial(job: "Job", model: TrainedVAE, images: np.ndarray) -> dict[str, np.ndarray]:
    """Return the trivial baselines of each image."""
    problem = Problem(
        model,
        np.asarray(job.read_array(f"data/train_{job.dataset}.npy")),
        images,
        jax.random.key(job.seed),
        num_samples=0,  # they draw nothing
        batch_size=job.profile.scores.batch_size,
        likelihood_variance=job.profile.model.likelihood_variance,
    )
    return {one.name: one.compare(problem).score for one in TRIVIAL}
