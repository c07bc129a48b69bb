"""The common part of estimators that need the number of their products beforehand."""

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar

import jax
import numpy as np

from slugkit.errors import InputError
from slugkit.estimators.budget import Budget, check_budget
from slugkit.estimators.interface import Estimates, ImageEstimator, scaled
from slugkit.linalg.estimates import Estimate
from slugkit.operators.jacobian import Jacobian
from slugkit.posterior import Posterior, SketchedPosterior

# Jacobian products for a product with A.
PRICE = 2


class FixedBudget(ImageEstimator):
    """An algorithm of `slugkit.linalg` on A = B B^T, from half as many products with A."""

    least: ClassVar[int] = 2  # of the products with A
    inverts: ClassVar[bool] = False  # what is off by rounding, so it asks by how much

    @abstractmethod
    def algorithm(self) -> Callable[..., Estimate]:
        """Return ``algorithm(product, size, num_products, key, dtype=...)``."""

    def estimate_image(
        self,
        posterior: Posterior | SketchedPosterior,
        jacobian: Jacobian,
        budget: Budget,
        key: jax.Array,
    ) -> Estimates:
        """Return the score (1,) or the pixel variances (1, ...) of one image.

        Raises
        ------
        InputError
            A relative error is asked for, or the budget is too small.
        """
        if budget.num_products is None or budget.relative_error is not None:
            raise InputError(
                f"relative_error is given, but the estimator {self.name!r} needs num_samples; "
                "choose 'pushforward', 'deflated', 'krylov', 'hutchinson' or 'bekas'"
            )
        check_budget(self.name, budget, PRICE * self.least)
        made = self.algorithm()(
            scaled(posterior, jacobian).covariance_product,
            jacobian.size,
            budget.num_products // PRICE,
            key,
            dtype=jacobian.dtype,
            **({"rounding": posterior.rounding} if self.inverts else {}),
        )
        shape = (1,) if self.gives_score else (1, *jacobian.shape)
        value, error = (np.asarray(part).reshape(shape) for part in made[:2])
        estimate = Estimate(value, error, PRICE * made.num_products)
        return (estimate, None) if self.gives_score else (None, estimate)
