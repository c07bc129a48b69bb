"""How much work an estimate may take, and when it is good enough."""

import warnings
from typing import NamedTuple

import numpy as np

from slugkit import refusals
from slugkit.checks.numbers import check_count, check_fraction
from slugkit.errors import CostWarning
from slugkit.linalg.estimates import Estimate

DEFAULT_NUM_PRODUCTS = 100
# More products per image than this are hardly meant.
MANY_PRODUCTS = 100_000


class Budget(NamedTuple):
    """How much work an estimate may take, and what it is to yield."""

    num_products: int | None  # per image; None for as many as the relative error takes
    relative_error: float | None  # stop as soon as the estimates are as good as that
    score: bool  # whether the score is wanted
    variance: bool  # whether the pixel variances are wanted

    def remaining(self, done: int, step: int) -> int:
        """Return how many of the next `step` products the budget allows after `done`."""
        return step if self.num_products is None else min(step, self.num_products - done)

    def reached(self, score: Estimate, variance: Estimate | None) -> bool:
        """Say whether what is wanted of all images is known to the relative error.

        The error of a map is the root of the sum of its squared errors over that of its squares.
        """
        return self.relative_error is not None and self.excess(score, variance) <= 1

    def warn_of_cost(
        self,
        estimator: str,
        score: Estimate,
        variance: Estimate | None,
        most: float = float("inf"),
    ) -> None:
        """Say how many products the relative error will take, if they are very many.

        Parameters
        ----------
        estimator
            Its name.
        score, variance
            From the first products.
        most
            The number of products that is enough for everything.
        """
        if self.num_products is not None or self.relative_error is None:
            return
        done = score.num_products
        expected = min(done * self.excess(score, variance) ** 2, most)
        if expected > MANY_PRODUCTS:
            text = refusals.COST.text(
                goal=self.relative_error, expected=expected, estimator=estimator, done=done
            )
            warnings.warn(text, CostWarning, stacklevel=2)

    def excess(self, score: Estimate, variance: Estimate | None) -> float:
        """Return the largest relative error of what is wanted over the one allowed."""
        wanted = [score] if self.score else []
        wanted += [variance] if self.variance and variance is not None else []
        allowed = self.relative_error or 0.0
        tiny = float(np.finfo(np.float64).tiny)  # what is exactly nothing is known
        return max(
            (
                float(np.max(_norms(one.standard_error) / (allowed * _norms(one.value) + tiny)))
                for one in wanted
            ),
            default=0.0,
        )


def make_budget(
    num_products: int | None, relative_error: float | None, *, score: bool, variance: bool
) -> Budget:
    """Return a budget; of 100 products where neither a number nor a goal is given.

    Raises
    ------
    InputError
        The number is no whole number of at least 1, or the relative error is no fraction.
    """
    if num_products is None and relative_error is None:
        num_products = DEFAULT_NUM_PRODUCTS
    if num_products is not None:
        num_products = check_count("num_samples", num_products)
    if relative_error is not None:
        relative_error = check_fraction("relative_error", relative_error)
    return Budget(num_products, relative_error, score, variance)


def check_budget(estimator: str, budget: Budget, least: int) -> None:
    """Raise an InputError if the budget has fewer products than an estimator needs."""
    if budget.num_products is not None and budget.num_products < least:
        raise refusals.BUDGET.error(given=budget.num_products, estimator=estimator, least=least)


def _norms(values: np.ndarray) -> np.ndarray:
    return np.linalg.norm(np.asarray(values, np.float64).reshape(len(values), -1), axis=1)
