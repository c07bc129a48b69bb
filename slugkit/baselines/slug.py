"""SLUG, the paper's score, as one comparator among the others."""

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
    """Return the variance of the linearised network outside the leading eigenvectors of G."""
    posterior = settings.posterior
    if posterior is None:
        posterior = slug.fit(
            model.reconstruct(),
            model.params,
            train_images,
            rank=settings.rank,
            key=key,
            batch_size=settings.batch_size,
            tolerance=settings.tolerance,
            max_products=settings.max_products,
        )
    return push_forward(posterior, images, key, settings)
