"""The Laplace approximation of the decoder's last layer alone."""

import jax
import numpy as np

from slugkit import slug
from slugkit.baselines.comparison import Autoencoder, Comparison, Settings
from slugkit.baselines.linearised import push_forward
from slugkit.operators.parameters import flatten

LAST_LAYER = "decoder/head/"


def compare(
    model: Autoencoder,
    train_images: np.ndarray,
    images: np.ndarray,
    key: jax.Array,
    settings: Settings,
) -> Comparison:
    r"""Return the variance of the reconstruction under a posterior of the last layer's weights.

    .. math:: \Sigma = (G + v I)^{-1}

    for a standard normal prior, in the units of G; v is the likelihood's variance. Only the leading
    eigenpairs of G are found, as many as SLUG takes; along all others the prior stands.

    References
    ----------
    Daxberger et al., NeurIPS (2021), Laplace redux: the last layer is the usual choice where all
    weights are too many.
    """
    size = flatten(model.params, is_last_layer).size
    posterior = slug.fit(
        model.reconstruct(),
        model.params,
        train_images,
        rank=min(settings.rank, size),
        key=key,
        prior_precision=settings.likelihood_variance,
        parameter_filter=is_last_layer,
        batch_size=settings.batch_size,
        tolerance=settings.tolerance,
        max_products=settings.max_products,
    )
    return push_forward(posterior, images, key, settings)


def is_last_layer(name: str) -> bool:
    """Say whether a parameter of this name belongs to the decoder's last layer."""
    return name.startswith(LAST_LAYER)
