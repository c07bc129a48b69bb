"""The plain norm of the Jacobian: SLUG with nothing taken out."""

import jax
import numpy as np

from slugkit import slug
from slugkit.baselines.comparison import Autoencoder, Comparison, Settings
from slugkit.baselines.linearised import push_forward


def compare(
    model: Autoencoder,
    train_images: np.ndarray,
    images: np.ndarray,
    key: jax.Array,
    settings: Settings,
) -> Comparison:
    """Return the squared norm of the Jacobian in the weights, |J(x)|^2, and that of its rows."""
    # No training image matters at rank 0; one is enough to check the model.
    posterior = slug.fit(
        model.reconstruct(),
        model.params,
        train_images[:1],
        rank=0,
        key=key,
        batch_size=settings.batch_size,
    )
    return push_forward(posterior, images, key, settings)
