"""SLU: SLUG's score from a basis that is kept only as sketched."""

import jax
import numpy as np

from slugkit import slug
from slugkit.baselines.comparison import BYTES, Autoencoder, Comparison, Cost, Settings
from slugkit.model.vae import num_parameters


def compare(
    model: Autoencoder,
    train_images: np.ndarray,
    images: np.ndarray,
    key: jax.Array,
    settings: Settings,
) -> Comparison:
    """Return the score by the paper's estimator with a sketched basis; there is no map.

    References
    ----------
    Miani, Beretta, Hauberg, NeurIPS (2024), Sketched Lanczos uncertainty.
    """
    size = num_parameters(model.params)
    shown = settings.sketch_images and min(settings.sketch_images, len(train_images))
    posterior = slug.fit(
        model.reconstruct(),
        model.params,
        train_images,
        rank=settings.sketch_steps,
        key=key,
        subset_size=shown,
        batch_size=settings.batch_size,
        basis="sketched",
        sketch_size=max(1, round(settings.sketch_share * size)),
    )
    score = slug.score(
        posterior, images, num_samples=settings.num_samples, key=key, estimator="hutchinson"
    )
    assert posterior.sketched is not None
    cost = Cost(
        training_passes=posterior.num_products * (shown or len(train_images)) / len(train_images),
        products=score.num_products,
        memory_bytes=posterior.sketched.rows.size * BYTES,
    )
    return Comparison(score.value, None, cost, score.standard_error)
