"""Score and map of a posterior over the weights, by Jacobian-vector products."""

import jax
import numpy as np

from slugkit import slug
from slugkit.baselines.comparison import BYTES, Comparison, Cost, Settings


def push_forward(
    posterior: slug.Posterior, images: np.ndarray, key: jax.Array, settings: Settings
) -> Comparison:
    """Return score and map from S products for each image, with what the posterior cost."""
    score, variance = slug.score_and_variance(
        posterior,
        images,
        num_samples=settings.num_samples,
        key=key,
        batch_size=settings.batch_size,
    )
    cost = Cost(
        training_passes=posterior.num_products,
        products=score.num_products,
        memory_bytes=posterior.rank * posterior.parameters.size * BYTES,
    )
    return Comparison(score.value, variance.value.sum(axis=-1), cost, score.standard_error)
