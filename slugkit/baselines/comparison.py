"""The one interface of all comparators.

A comparator is a function ``compare(model, train_images, images, key, settings)`` that returns a
`Comparison`. Each takes the same five arguments, whether it needs all of them or not, so that one
loop runs them all. Images have the shape (n, H, W, C) and values in [0, 1].
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import jax
import numpy as np

from slugkit.linalg.estimates import mean
from slugkit.operators.batches import batches
from slugkit.posterior import Posterior

BYTES = 4  # of a float32


class Autoencoder(Protocol):
    """A trained network, such as `slugkit.model.vae.TrainedVAE`."""

    @property
    def params(self) -> dict:
        """Nested dictionaries of arrays, with "encoder" and "decoder" at the top."""
        ...

    def reconstruct(self) -> Callable[[dict, jax.Array], jax.Array]:
        """Return apply(params, images), the reconstructions from the latent means."""
        ...

    def encode(self) -> Callable[[dict, jax.Array], tuple[jax.Array, jax.Array]]:
        """Return apply(params, images), the mean and the standard deviation of q(z|x)."""
        ...

    def decode(self) -> Callable[[dict, jax.Array], jax.Array]:
        """Return apply(params, latents), the mean of p(x|z)."""
        ...


@dataclass(frozen=True)
class Settings:
    """What the comparators may spend, and what each has to be told.

    Parameters
    ----------
    num_samples
        S, the same for all that draw anything: passes with dropout, samples of the weights, or
        Jacobian products, each per image.
    batch_size
        How many images are computed at once.
    likelihood_variance
        v, of the Gaussian likelihood, per pixel and channel.
    rank, tolerance, max_products
        Of the eigenpairs, for SLUG and the last layer; see `slugkit.slug.fit`.
    sketch_steps, sketch_share, sketch_images
        Lanczos steps of SLU, its sketch size as a share of the number of parameters, and how many
        training images stand for all.
    curvature_samples
        Random cotangents for the diagonal of G.
    laplace_prior_precision
        Of the Laplacian autoencoder; None chooses it on the training images.
    mcmc_prior_precision, mcmc_step, mcmc_friction, mcmc_burn_in, mcmc_thinning
        Of the Bayesian VAE; see `slugkit.baselines.bayesian_vae`.
    posterior
        The eigenpairs for SLUG, where they are known; None finds them.
    """

    num_samples: int
    batch_size: int
    likelihood_variance: float
    rank: int
    tolerance: float = 1e-2
    max_products: int | None = None
    sketch_steps: int = 30
    sketch_share: float = 0.1
    sketch_images: int | None = None
    curvature_samples: int = 8
    laplace_prior_precision: float | None = None
    mcmc_prior_precision: float = 1.0
    mcmc_step: float = 0.5
    mcmc_friction: float = 0.1
    mcmc_burn_in: int = 50
    mcmc_thinning: int = 5
    posterior: Posterior | None = None


@dataclass(frozen=True)
class Cost:
    """What a comparator takes, in units that do not depend on the machine."""

    trainings: int = 1  # networks trained from scratch
    training_passes: float = 0  # forward and backward over the training images, after training
    products: int = 0  # with the Jacobian, per image
    forward_passes: int = 0  # per image
    memory_bytes: int = 0  # beside one network and the images at hand


@dataclass(frozen=True)
class Comparison:
    """An uncertainty for each image, and for each pixel where there is one."""

    score: np.ndarray  # (n,), higher is more uncertain
    map: np.ndarray | None  # (n, H, W)
    cost: Cost
    standard_error: np.ndarray | None = None  # (n,), of a score that is estimated


def run(function: Any, params: dict, images: np.ndarray, batch_size: int) -> Any:
    """Return function(params, images), a pytree of arrays (n, ...), computed batch by batch."""
    compiled = jax.jit(function)
    parts = []
    for batch in batches(images, batch_size):
        made = compiled(params, batch.images)
        parts.append(jax.tree.map(lambda leaf, size=batch.size: np.asarray(leaf)[:size], made))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


def over_pixels(map_: np.ndarray) -> np.ndarray:
    """Return the sum of each map, (n, ...) to (n,)."""
    return map_.reshape(len(map_), -1).sum(axis=1)


def variance_over_members(reconstructions: Iterable[np.ndarray], cost: Cost) -> Comparison:
    r"""Return the variance of some reconstructions of the same images, in one pass.

    .. math:: \sigma^2 = \frac{1}{S - 1} \sum_{s=2}^{S} d_s, \qquad
              d_s = \frac{s - 1}{s} (y_s - \bar y_{s-1})^2

    Each d has the variance as its mean, and for normal reconstructions they are independent, so
    their spread gives the standard error of the score.

    Parameters
    ----------
    reconstructions
        At least two arrays (n, H, W, C), one for each network or sample.
    cost
        Goes into the result.

    References
    ----------
    Welford, Technometrics 4 (1962).

    Examples
    --------
    >>> members = [np.zeros((1, 1, 1, 1)), np.full((1, 1, 1, 1), 2.0)]
    >>> variance_over_members(members, Cost()).score.tolist()
    [2.0]
    """
    centre: Any = 0.0
    total: Any = 0.0
    increments = []
    for count, one in enumerate(reconstructions, start=1):
        difference = one.astype(float) - centre
        centre = centre + difference / count
        if count > 1:
            increment = (count - 1) / count * difference**2
            total = total + increment
            increments.append(over_pixels(increment))
    score = mean(np.stack(increments), 0)
    variance = total.sum(axis=-1) / len(increments)
    return Comparison(score.value, variance, cost, score.standard_error)
