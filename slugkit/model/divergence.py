"""The Kullback-Leibler divergence of a latent from its prior."""

from typing import Any

from jaxtyping import Float


def divergence(
    mean: Float[Any, "*shape"], variance: Float[Any, "*shape"], log_variance: Float[Any, "*shape"]
) -> Float[Any, "*shape"]:
    r"""Return the divergence of each latent number from the standard normal prior, in nats.

    .. math:: \mathrm{KL}(N(\mu, \sigma^2) \,\|\, N(0, 1))
              = \frac{1}{2} (\mu^2 + \sigma^2 - 1 - \log \sigma^2)

    The variance and its logarithm are both given, as one of them is at hand and the other follows
    from it without loss.

    >>> import numpy as np
    >>> divergence(np.ones(2), np.ones(2), np.zeros(2)).tolist()
    [0.5, 0.5]
    """
    return 0.5 * (mean**2 + variance - 1.0 - log_variance)
