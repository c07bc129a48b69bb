"""Weights drawn from a Laplace approximation with a diagonal covariance."""

from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
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
from slugkit.baselines.diagonal_curvature import diagonal
from slugkit.errors import InputError
from slugkit.operators.parameters import flatten

# The prior precision is the smallest of these with which the error on training images grows by no
# more than this factor: below it the linear picture that the Laplace approximation rests on breaks.
PRIOR_PRECISIONS = 10.0 ** np.arange(0, 11)
ERROR_GROWTH = 2.0
TRIALS = 2


def compare(
    model: Autoencoder,
    train_images: np.ndarray,
    images: np.ndarray,
    key: jax.Array,
    settings: Settings,
) -> Comparison:
    r"""Return the variance of the reconstructions over S samples of all weights.

    .. math:: \theta_s \sim N\left(\theta, (\mathrm{diag}(G) / v + a I)^{-1}\right)

    G is estimated by `diagonal_curvature`, v is the likelihood's variance, a the prior precision.
    The approximation is made after training; Miani et al. can also train with it.

    References
    ----------
    Miani, Warburg, Moreno-Munoz, Skafte Detlefsen, Hauberg, NeurIPS (2022).
    """
    parameters, apply = flatten(model.params), model.reconstruct()
    key_curvature, key_trial, key_samples = jax.random.split(key, 3)
    curvature = diagonal(
        apply,
        parameters,
        train_images,
        num_samples=settings.curvature_samples,
        batch_size=settings.batch_size,
        key=key_curvature,
    )

    def reconstructions(
        shown: np.ndarray, precision: float, count: int, key: jax.Array
    ) -> Iterator[np.ndarray]:
        deviation = 1 / np.sqrt(curvature / settings.likelihood_variance + precision)
        for sample in range(count):
            noise = jax.random.normal(jax.random.fold_in(key, sample), (parameters.size,))
            moved = parameters.vector + noise * jnp.asarray(deviation, parameters.dtype)
            # Cut by numpy: jax would compile a function for each leaf.
            params = parameters.to_tree(np.asarray(moved), parameters.fixed)
            yield run(apply, params, shown, settings.batch_size)

    precision = settings.laplace_prior_precision
    if precision is None:
        shown = np.asarray(train_images[: settings.batch_size])
        error = float(np.mean((run(apply, model.params, shown, len(shown)) - shown) ** 2))
        precision = choose_prior_precision(
            lambda a: np.mean(
                [np.mean((y - shown) ** 2) for y in reconstructions(shown, a, TRIALS, key_trial)]
            ),
            error,
        )
    cost = Cost(
        training_passes=settings.curvature_samples,
        forward_passes=settings.num_samples,
        memory_bytes=parameters.size * BYTES,
    )
    return variance_over_members(
        reconstructions(images, precision, settings.num_samples, key_samples), cost
    )


def choose_prior_precision(error_at: Callable[[float], float], error: float) -> float:
    """Return the smallest prior precision with which the error grows by a factor of two at most.

    Parameters
    ----------
    error_at
        The mean error over some samples of the weights, for a prior precision.
    error
        That of the trained weights.

    Raises
    ------
    InputError
        No prior precision up to the largest keeps the error down.

    Examples
    --------
    >>> choose_prior_precision(lambda a: 1 + 100 / a, error=1.0)
    100.0
    """
    for precision in PRIOR_PRECISIONS:
        if error_at(float(precision)) <= ERROR_GROWTH * error:
            return float(precision)
    raise InputError(
        "no prior precision of the Laplacian autoencoder keeps the error on training images below "
        f"{ERROR_GROWTH:g} times that of the trained weights; set laplace_prior_precision"
    )
