"""Score the test images: error, encoder deviation, SLUG, and for data set B the pixel maps."""

import jax
import numpy as np

from companion.config import Profile
from companion.paths import RunPaths
from companion.pipeline.provenance import recorded
from companion.pipeline.tables import load_array, load_table, save_array, save_table
from slugkit import slug
from slugkit.model import training
from slugkit.model.divergence import divergence
from slugkit.model.vae import TrainedVAE
from slugkit.operators.batches import evaluate
from slugkit.progress import Progress

# Foreign objects and pixel maps belong to the mixed training set alone (paper, figure 4).
SKIN_SETS = ("light", "dark", "external")
MAPPED_DATASET = "B"


def run(profile: Profile, dataset: str, seed: int) -> None:
    """Write scores.csv, one row per image, and for data set B the maps of all its test images.

    The columns added to the test table are `mse`, mean squared error per pixel and channel;
    `encoder_std`, mean deviation of q(z|x); `kl`, its divergence from the prior in nats; `slug`
    and `slug_standard_error`, in squared units of intensity summed over the image; and
    `num_products`, the Jacobian-vector products that each score took.
    """
    paths = RunPaths(profile.name)
    data, folder = paths.prepared(seed), paths.trained(dataset, seed)
    inputs = [data / "test.npy", data / "test.csv"]
    inputs += [folder / "model.msgpack", folder / "posterior.npz"]
    mapped = dataset == MAPPED_DATASET
    maps = ["reconstruction.npy", "uncertainty.npy"] if mapped else []
    outputs = [folder / name for name in ("scores.csv", *maps)]
    with recorded(
        folder / "scores.json",
        profile,
        step="scores",
        inputs=inputs,
        outputs=outputs,
        dataset=dataset,
        seed=seed,
    ):
        table = load_table(data / "test.csv")
        images = load_array(data / "test.npy")
        if not mapped:
            chosen = table["set"].isin(SKIN_SETS).to_numpy()
            table, images = table[chosen], images[chosen]
        model = training.load_model(folder / "model.msgpack", profile.architecture())
        posterior = slug.load(folder / "posterior.npz", model.reconstruct(), model.params)
        batch_size = profile.scores.batch_size
        reconstruction, mean, deviation = _reconstruct(model, images, batch_size)
        score, variance = slug.score_and_variance(
            posterior,
            images,
            num_samples=profile.scores.num_samples,
            key=jax.random.key(seed),
            batch_size=batch_size,
            progress=Progress(f"scores {dataset}, seed {seed}: product"),
        )
        latent = tuple(range(1, mean.ndim))
        in_nats = divergence(mean, deviation**2, 2 * np.log(deviation)).sum(axis=latent)
        if mapped:
            save_array(folder / "reconstruction.npy", reconstruction)
            save_array(folder / "uncertainty.npy", variance.value.sum(axis=-1))
        scores = table.assign(
            dataset=dataset,
            seed=seed,
            mse=np.mean((images - reconstruction) ** 2, axis=(1, 2, 3)),
            encoder_std=deviation.mean(axis=latent),
            kl=in_nats,
            slug=score.value,
            slug_standard_error=score.standard_error,
            num_products=score.num_products,
        )
        save_table(folder / "scores.csv", scores)


def _reconstruct(
    model: TrainedVAE, images: np.ndarray, batch_size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the reconstructions, and the means and deviations of q(z|x)."""
    reconstruct, encode = model.reconstruct(), model.encode()
    # As one function the two share the encoder.
    return evaluate(
        lambda params, batch: (reconstruct(params, batch), *encode(params, batch)),
        model.params,
        images,
        batch_size,
    )
