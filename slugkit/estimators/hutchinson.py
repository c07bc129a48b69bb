"""The score as the paper estimates it, for comparison."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import jax
import numpy as np
from jaxtyping import Float

from slugkit.estimators.budget import Budget
from slugkit.estimators.interface import Estimates, ImageEstimator
from slugkit.linalg.estimates import Estimate
from slugkit.linalg.hutchinson import hutchinson
from slugkit.linalg.probes import PROBES_PER_BLOCK
from slugkit.operators.jacobian import Jacobian
from slugkit.posterior import Posterior, SketchedPosterior


@dataclass(frozen=True)
class Hutchinson(ImageEstimator):
    r"""Estimate the score from probes of the outputs.

    .. math:: \mathrm{Tr}(A) \approx \frac{1}{S} \sum_s |g_s|^2, \qquad
              g_s = \Sigma^{1/2} J^T \epsilon_s

    For a sketched basis there are `slugkit.estimators.sketched_residual`, and what was published
    for it, `slugkit.estimators.published_sketch`.

    Parameters
    ----------
    distribution
        Of the probes: "gaussian", "rademacher" or "sphere".

    References
    ----------
    The paper's equation 7.
    """

    name: ClassVar[str] = "hutchinson"
    gives_variance: ClassVar[bool] = False

    distribution: str = "gaussian"

    def estimate_image(
        self,
        posterior: Posterior | SketchedPosterior,
        jacobian: Jacobian,
        budget: Budget,
        key: jax.Array,
    ) -> Estimates:
        """Return the score (1,) of one image."""
        forms = posterior.squared_norms
        made = probe_outputs(self.name, forms, jacobian, budget, key, self.distribution)
        return made, None


def probe_outputs(
    estimator: str,
    forms: Callable[[Float[np.ndarray, "m p"]], Float[np.ndarray, " m"]],
    jacobian: Jacobian,
    budget: Budget,
    key: jax.Array,
    distribution: str,
    complete: Callable[[Estimate], Estimate] = lambda made: made,
    *,
    at_once: int = PROBES_PER_BLOCK,
) -> Estimate:
    r"""Return the mean (1,) of a quadratic form of :math:`J^T \epsilon` for one image.

    Parameters
    ----------
    estimator
        Its name.
    forms
        Maps vectors (m, p) to their forms (m,).
    jacobian, budget, key
        As for `Estimator`.
    distribution
        Of the probes.
    complete
        Adds to the standard error what the probes do not know of.
    at_once
        The number of vectors of length p that are held.
    """

    def of_one_image(made: Estimate) -> Estimate:
        value, error = (np.asarray(part)[None] for part in made[:2])
        return complete(Estimate(value, error, made.num_products))

    def reached(made: Estimate) -> bool:
        one = of_one_image(made)
        if budget.reached(one, None):
            return True
        if one.num_products == PROBES_PER_BLOCK:
            budget.warn_of_cost(estimator, one, None)
        return False

    def values(probes: jax.Array) -> np.ndarray:
        parts = range(0, len(probes), at_once)
        rows = np.asarray(probes)
        return np.concatenate([forms(jacobian.pull(rows[i : i + at_once])) for i in parts])

    made = hutchinson(
        values,
        jacobian.size,
        budget.num_products,
        key,
        distribution=distribution,
        dtype=jacobian.dtype,
        stop=None if budget.relative_error is None else reached,
    )
    return of_one_image(made)
