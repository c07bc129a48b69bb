"""Estimates with standard errors."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from slugkit.summary import Summary, as_html, as_text


class Estimate(NamedTuple):
    """What was estimated, how well, and at what price."""

    value: Float[Any, "*shape"]
    standard_error: Float[Any, "*shape"]
    num_products: int

    def summary(self) -> Summary:
        """Return what is to be known of it at a glance.

        The relative error of a map is the root of the sum of its squared errors over that of its
        squares.
        """
        value, error = (np.atleast_1d(np.asarray(part, float)) for part in self[:2])
        norms, errors = (
            np.linalg.norm(part.reshape(len(part), -1), axis=1) for part in (value, error)
        )
        relative = np.divide(errors, norms, out=np.zeros_like(errors), where=norms > 0)
        each = f", {value.shape[1:]} each" if value.ndim > 1 else ""
        facts = {
            "median": f"{np.median(value):.4g}",
            "relative error": f"{np.median(relative):.2g} (median over the images)",
            "products": f"{self.num_products} per image",
        }
        return f"Estimate of {len(value)} images{each}", facts

    def __repr__(self) -> str:
        return as_text(self.summary())

    def _repr_html_(self) -> str:
        return as_html(self.summary())


class ScoreAndVariance(NamedTuple):
    """The scores and the pixel variances of the same images."""

    score: Estimate  # (n,)
    variance: Estimate  # (n, ...)

    def __repr__(self) -> str:
        return f"Score: {self.score!r}\nVariance: {self.variance!r}"

    def _repr_html_(self) -> str:
        return f"Score: {self.score._repr_html_()}Variance: {self.variance._repr_html_()}"


def mean(samples: Float[Any, "S ..."], num_products: int) -> Estimate:
    """Return mean and standard error over the first axis; one sample tells nothing of its error.

    The error of what is on the host is computed in float64.
    """
    count, value = len(samples), samples.mean(axis=0)
    if count == 1:
        return Estimate(value, value * 0 + float("inf"), num_products)
    kind = np.float64 if isinstance(samples, np.ndarray) else None
    error = samples.std(axis=0, ddof=1, dtype=kind) / count**0.5
    return Estimate(value, error.astype(value.dtype), num_products)


def chi_square(
    exact: Float[Any, "*shape"], total: Float[Any, "*shape"], count: int, num_products: int
) -> Estimate:
    """Return a known part plus the mean of squared normal variables, given their sum.

    The square of a normal variable has twice its squared mean as variance, so no spread needs to
    be measured.
    """
    rest = total / count
    return Estimate(exact + rest, rest * (2 / count) ** 0.5, num_products)


def quadratic_forms(samples: Float[np.ndarray, "S D"], num_products: int) -> Estimate:
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
