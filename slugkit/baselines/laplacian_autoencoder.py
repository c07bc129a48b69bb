"""Weights drawn from a Laplace approximation with a diagonal covariance."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from slugkit.baselines.interface import (
    BYTES,
    Baseline,
    Comparison,
    Cost,
    Problem,
    variance_over_members,
)
from slugkit.errors import InputError
from slugkit.operators.batches import evaluate
from slugkit.operators.diagonal import ggn_diagonal
from slugkit.operators.parameters import flatten

# The prior precision is the smallest of these with which the error on training images grows by no
# more than this factor: below it the linear picture that the Laplace approximation rests on breaks.
PRIOR_PRECISIONS = 10.0 ** np.arange(0, 11)
ERROR_GROWTH = 2.0
TRIALS = 2


@dataclass(frozen=True)
class LaplacianAutoencoder(Baseline):
    r"""The variance of the reconstructions over S samples of all weights.

    .. math:: \theta_s \sim N\left(\theta, (\mathrm{diag}(G) / v + a I)^{-1}\right)

    G is estimated by `slugkit.operators.diagonal`, v is the likelihood's variance, a the prior
    precision. The approximation is made after training; Miani et al. can also train with it.

    Parameters
    ----------
    curvature_samples
        Backward passes over the training images for the diagonal of G.
    prior_precision
        The number a; None chooses it on the training images.

    References
    ----------
    Miani, Warburg, Moreno-Munoz, Skafte Detlefsen, Hauberg, NeurIPS (2022).
    """

    name: ClassVar[str] = "laplacian_autoencoder"
    title: ClassVar[str] = "post-hoc diagonal Laplace"

    curvature_samples: int = 8
    prior_precision: float | None = None

    def compare(self, problem: Problem) -> Comparison:
        """Return score and map; see `Baseline`."""
        model, apply = problem.model, problem.model.reconstruct()
        parameters = flatten(model.params)
        key_curvature, key_trial, key_samples = jax.random.split(problem.key, 3)
        curvature = ggn_diagonal(
            apply,
            parameters,
            problem.train_images,
            num_samples=self.curvature_samples,
            batch_size=problem.batch_size,
            key=key_curvature,
        )

        def reconstructions(
            shown: np.ndarray, precision: float, count: int, key: jax.Array
        ) -> Iterator[np.ndarray]:
            standard_deviation = 1 / np.sqrt(curvature / problem.likelihood_variance + precision)
            for sample in range(count):
                noise = jax.random.normal(jax.random.fold_in(key, sample), (parameters.size,))
                scaled = noise * jnp.asarray(standard_deviation, parameters.dtype)
                # Cut by numpy: jax would compile a function for each leaf.
                moved = np.asarray(parameters.vector + scaled)
                params = parameters.to_tree(moved, parameters.fixed)
                yield evaluate(apply, params, shown, problem.batch_size)

        precision = self.prior_precision
        if precision is None:
            shown = np.asarray(problem.train_images[: problem.batch_size])
            plain = evaluate(apply, model.params, shown, len(shown))
            precision = choose_prior_precision(
                lambda a: np.mean(
                    [
                        np.mean((y - shown) ** 2)
                        for y in reconstructions(shown, a, TRIALS, key_trial)
                    ]
                ),
                float(np.mean((plain - shown) ** 2)),
            )
        cost = Cost(
            training_passes=self.curvature_samples,
            forward_passes=problem.num_samples,
            memory_bytes=parameters.size * BYTES,
        )
        return variance_over_members(
            reconstructions(problem.images, precision, problem.num_samples, key_samples), cost
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
        f"{ERROR_GROWTH:g} times that of the trained weights; set its prior_precision"
    )
