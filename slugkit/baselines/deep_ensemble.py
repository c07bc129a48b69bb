"""Several networks, trained alike from different starts."""

from collections.abc import Sequence

import jax
import numpy as np

from slugkit.baselines.comparison import (
    BYTES,
    Autoencoder,
    Comparison,
    Cost,
    Settings,
    run,
    variance_over_members,
)
from slugkit.model.vae import num_parameters


def compare(
    models: Sequence[Autoencoder],
    train_images: np.ndarray,
    images: np.ndarray,
    key: jax.Array,
    settings: Settings,
) -> Comparison:
    """Return the variance of the reconstructions over at least two networks.

    They have seen the same images; only the initial weights, the order of the images, the flips
    and the latent noise differ.

    References
    ----------
    Lakshminarayanan, Pritzel, Blundell, NeurIPS (2017), without adversarial examples.
    """
    count = len(models)
    cost = Cost(
        trainings=count,
        forward_passes=count,
        memory_bytes=(count - 1) * num_parameters(models[0].params) * BYTES,
    )
    return variance_over_members(
        (run(one.reconstruct(), one.params, images, settings.batch_size) for one in models), cost
    )
