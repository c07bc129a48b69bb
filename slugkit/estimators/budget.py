"""How much work an estimate may take, and when it is good enough."""

from typing import NamedTuple

import numpy as np

from slugkit.errors import InputError
from slugkit.linalg.estimates import Estimate

DEFAULT_NUM_PRODUCTS = 100


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
        The number is below 1, or the relative error is no fraction.
    """
    if num_products is None and relative_error is None:
        num_products = DEFAULT_NUM_PRODUCTS
    if num_products is not None and num_products < 1:
        raise InputError(f"num_samples is {num_products}; give at least 1")
    if relative_error is not None and not 0 < relative_error < 1:
        raise InputError(
            f"relative_error is {relative_error}; give a fraction between 0 and 1, such as 0.05"
        )
    return Budget(num_products, relative_error, score, variance)


def _norms(values: np.ndarray) -> np.ndarray:
    return np.linalg.norm(np.asarray(values, np.float64).reshape(len(values), -1), axis=1)
