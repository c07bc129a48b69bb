"""The score as the paper estimates it, for comparison and for sketched bases."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import numpy as np

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

    With a sketched basis :math:`|g|^2 - |U_s^T S g|^2` stands for the norm, which may turn out
    negative.

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
    takes_sketch: ClassVar[bool] = True

    distribution: str = "gaussian"

    def estimate_image(
        self,
        posterior: Posterior | SketchedPosterior,
        jacobian: Jacobian,
        budget: Budget,
        key: jax.Array,
    ) -> Estimates:
        """Return the score (1,) of one image."""

        def reached(made: Estimate) -> bool:
            one = _of_one_image(made)
            if budget.reached(one, None):
                return True
            if one.num_products == PROBES_PER_BLOCK:
                budget.warn_of_cost(self.name, one, None)
            return False

        made = hutchinson(
            lambda probes: posterior.squared_norms(jacobian.pull(np.asarray(probes))),
            jacobian.size,
            budget.num_products,
            key,
            distribution=self.distribution,
            dtype=jacobian.dtype,
            stop=None if budget.relative_error is None else reached,
        )
        return _of_one_image(made), None


def _of_one_image(made: Estimate) -> Estimate:
    value, error = (np.asarray(part)[None] for part in made[:2])
    return Estimate(value, error, made.num_products)
