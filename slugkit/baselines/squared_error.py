"""The squared error itself: what the others are to predict, for where the image is at hand."""

import jax
import numpy as np

from slugkit.baselines.comparison import (
    Autoencoder,
    Comparison,
    Cost,
    Settings,
    over_pixels,
    run,
)


def compare(
    model: Autoencoder,
    train_images: np.ndarray,
    images: np.ndarray,
    key: jax.Array,
    settings: Settings,
) -> Comparison:
    """Return |x - x_hat|^2, summed over channels for the map and over the image for the score."""
    made = run(model.reconstruct(), model.params, images, settings.batch_size)
    map_ = np.sum((images - made) ** 2, axis=-1)
    return Comparison(over_pixels(map_), map_, Cost(forward_passes=1))
