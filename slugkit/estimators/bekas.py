"""The pixel variances as the paper estimates them, for comparison."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import numpy as np

from slugkit.estimators.budget import Budget, check_budget
from slugkit.estimators.interface import Estimates, ImageEstimator, scaled
from slugkit.linalg.bekas import bekas
from slugkit.linalg.estimates import Estimate
from slugkit.linalg.probes import PROBES_PER_BLOCK
from slugkit.operators.jacobian import Jacobian
from slugkit.posterior import Posterior, SketchedPosterior

# Jacobian products for a product with A.
PRICE = 2


@dataclass(frozen=True)
class Bekas(ImageEstimator):
    r"""Estimate the pixel variances from probes of the outputs, :math:`\epsilon \odot A \epsilon`.

    Parameters
    ----------
    distribution
        Of the probes: "gaussian", "rademacher" or "sphere".

    References
    ----------
    The paper's section 3.2, last sentence; `slugkit.linalg.bekas`.
    """

    name: ClassVar[str] = "bekas"
    gives_score: ClassVar[bool] = False

    distribution: str = "gaussian"

    def estimate_image(
        self,
        posterior: Posterior | SketchedPosterior,
        jacobian: Jacobian,
        budget: Budget,
        key: jax.Array,
    ) -> Estimates:
        """Return the pixel variances (1, ...) of one image."""
        check_budget(self.name, budget, PRICE)

        def of_outputs(made: Estimate) -> Estimate:
            value, error = (np.asarray(part).reshape(1, *jacobian.shape) for part in made[:2])
            return Estimate(value, error, PRICE * made.num_products)

        def reached(made: Estimate) -> bool:
            one = of_outputs(made)
            if budget.reached(one, one):
                return True
            if made.num_products == PROBES_PER_BLOCK:
                budget.warn_of_cost(self.name, one, one)
            return False

        made = bekas(
            scaled(posterior, jacobian).covariance_product,
            jacobian.size,
            None if budget.num_products is None else budget.num_products // PRICE,
            key,
            distribution=self.distribution,
            dtype=jacobian.dtype,
            stop=None if budget.relative_error is None else reached,
        )
        return None, of_outputs(made)
