"""The score with a sketched basis: the default for such a posterior."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import numpy as np

from slugkit.errors import InputError
from slugkit.estimators.budget import Budget
from slugkit.estimators.hutchinson import probe_outputs
from slugkit.estimators.interface import Estimates, ImageEstimator
from slugkit.linalg.estimates import Estimate
from slugkit.operators.jacobian import Jacobian
from slugkit.posterior import Posterior, SketchedPosterior

# Of the error that is allowed: where the sketch takes more, probes without end would be drawn.
REACHABLE = 0.9


@dataclass(frozen=True)
class SketchedResidual(ImageEstimator):
    r"""Estimate the score from what is outside of the basis inside the sketch.

    .. math:: \mathrm{Tr}(A) \approx \frac{1}{S} \sum_s
              \frac{|S g_s|^2 - |U_s^T S g_s|^2}{1 - m / s}, \qquad g_s = J^T \epsilon_s

    The same sketch serves all S normal probes, so the standard error has two parts,

    .. math:: \mathrm{Var} \approx 2 \|A\|_F^2 \left( \frac{1}{S} + \frac{1}{s - m} \right) :

    a sketch of s numbers is as good as s - m probes, and more probes do not make up for it.

    References
    ----------
    `slugkit.linalg.sketched_basis.SketchedBasis`; the book's page on the method.
    """

    name: ClassVar[str] = "sketched_residual"
    gives_variance: ClassVar[bool] = False
    takes: ClassVar[type[SketchedPosterior]] = SketchedPosterior

    def estimate_image(
        self,
        posterior: Posterior | SketchedPosterior,
        jacobian: Jacobian,
        budget: Budget,
        key: jax.Array,
    ) -> Estimates:
        """Return the score (1,) of one image.

        Raises
        ------
        InputError
            The relative error is out of reach for the sketch.
        """
        assert isinstance(posterior, SketchedPosterior)
        # The variance of the sketch over that of one normal probe, 2 |A|_F^2.
        ratio = posterior.sketched.relative_variance / 2

        def with_sketch(made: Estimate) -> Estimate:
            of_sketch = made.standard_error * np.sqrt(made.num_products * ratio)
            known = budget.num_products is None and budget.reached(made, None)
            if known and budget.excess(made._replace(standard_error=of_sketch), None) > REACHABLE:
                raise InputError(
                    f"relative_error is {budget.relative_error}, but the sketch alone leaves "
                    f"{float((of_sketch / made.value)[0]):.2g}; fit with a larger sketch_size"
                )
            return made._replace(standard_error=np.hypot(made.standard_error, of_sketch))

        made = probe_outputs(
            self.name,
            posterior.squared_norms,
            jacobian,
            budget,
            key,
            "gaussian",
            with_sketch,
            # Where only a sketch fits into memory, several vectors of length p may not.
            at_once=1,
        )
        return made, None
