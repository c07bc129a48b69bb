"""The deviation of the encoder, the uncertainty that a VAE carries itself."""

import jax
import numpy as np

from slugkit.baselines.comparison import Autoencoder, Comparison, Cost, Settings
from slugkit.baselines.latents import encode, to_pixels


def compare(
    model: Autoencoder,
    train_images: np.ndarray,
    images: np.ndarray,
    key: jax.Array,
    settings: Settings,
) -> Comparison:
    """Return the mean standard deviation of q(z|x) over the latents.

    References
    ----------
    The paper's section 4, its own comparison.
    """
    _, deviation = encode(model, images, settings.batch_size)
    score = deviation.reshape(len(images), -1).mean(axis=1)
    return Comparison(score, to_pixels(deviation, images.shape[1:3]), Cost(forward_passes=1))
