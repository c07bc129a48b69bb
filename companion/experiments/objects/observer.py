"""Who looks for foreign objects: SLUG and the squared error of one trained network."""

import jax
import numpy as np

from companion.experiments.objects.measure import Observation, Observer
from slugkit import slug
from slugkit.estimators.pushforward import Pushforward
from slugkit.model.vae import TrainedVAE
from slugkit.operators.batches import evaluate


def observer(
    model: TrainedVAE,
    posterior: slug.Posterior | slug.SketchedPosterior,
    *,
    num_samples: int,
    key: jax.Array,
    batch_size: int,
) -> Observer:
    """Return the function from images (n, H, W, 3) to what SLUG and the squared error say of them.

    The random directions depend on the key alone, so two observations differ only where the images
    do: the change that an object makes is not blurred by the estimator.
    """

    def observe(images: np.ndarray) -> dict[str, Observation]:
        score, variance = slug.score_and_variance(
            posterior,
            images,
            num_samples=num_samples,
            key=key,
            batch_size=batch_size,
            estimator=Pushforward(),
        )
        made = evaluate(model.reconstruct(), model.params, images, batch_size)
        error = np.sum((images - made) ** 2, axis=-1)
        return {
            "slug": Observation(score.value, variance.value.sum(axis=-1)),
            "squared_error": Observation(error.sum(axis=(1, 2)), error),
        }

    return observe
