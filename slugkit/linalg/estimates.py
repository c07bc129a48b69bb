"""Estimates with standard errors, and when they are good enough."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np


class Estimate(NamedTuple):
    """What was estimated, how well, and at what price."""

    value: Any
    standard_error: Any  # of the same shape
    num_products: int


class ScoreAndVariance(NamedTuple):
    """The scores (n,) and the pixel variances (n, ...) of the same images."""

    score: Estimate
    variance: Estimate


class Effort(NamedTuple):
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


def mean(samples: Any, num_products: int) -> Estimate:
    """Return mean and standard error over the first axis; one sample tells nothing of its error."""
    count, value = len(samples), samples.mean(axis=0)
    if count == 1:
        return Estimate(value, value * 0 + float("inf"), num_products)
    return Estimate(value, samples.std(axis=0, ddof=1) / count**0.5, num_products)


def chi_square(exact: Any, total: Any, count: int, num_products: int) -> Estimate:
    """Return a known part plus the mean of squared normal variables, given their sum.

    The square of a normal variable has twice its squared mean as variance, so no spread needs to
    be measured.
    """
    rest = total / count
    return Estimate(exact + rest, rest * (2 / count) ** 0.5, num_products)


def quadratic_forms(samples: np.ndarray, num_products: int) -> Estimate:
    r"""Return the mean of :math:`|y_s|^2` for :math:`y_s = B w_s`, :math:`w_s \sim N(0, I)`.

    .. math:: \mathrm{Var}(|B w|^2) = 2 \|B B^T\|_F^2 = 2 E[(y_s \cdot y_t)^2], \quad s \ne t

    S samples make S (S - 1) / 2 pairs, which know the variance far better than the spread of S
    norms does.
    """
    count = len(samples)
    products = np.asarray(samples @ samples.T, np.float64)
    value = np.trace(products)[None] / count
    if count == 1:
        return Estimate(value, value * 0 + float("inf"), num_products)
    # Taken away before the sum, or what is left could be rounded below zero.
    pairs = products - np.diag(np.diag(products))
    variance = 2 * np.sum(pairs**2) / (count * (count - 1))
    return Estimate(value, np.sqrt(variance / count)[None], num_products)


def join(estimates: Sequence[Estimate | None]) -> Any:
    """Join estimates of several groups of images along the first axis; of nothing, None."""
    made = [one for one in estimates if one is not None]
    if not made:
        return None
    return Estimate(
        np.concatenate([np.asarray(one.value) for one in made]),
        np.concatenate([np.asarray(one.standard_error) for one in made]),
        max(one.num_products for one in made),
    )


def _norms(values: np.ndarray) -> np.ndarray:
    return np.linalg.norm(np.asarray(values, np.float64).reshape(len(values), -1), axis=1)
