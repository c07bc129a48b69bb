"""Metrics of an uncertainty: rank correlation, rejection, detection of pixels, and intervals."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from sklearn.metrics import average_precision_score, roc_auc_score

from companion.statistics.interval import Interval
from slugkit.errors import InputError


def bootstrap(
    statistic: Callable[..., float],
    *arrays: NDArray,
    groups: NDArray | None = None,
    resamples: int,
    confidence: float,
    seed: int,
) -> Interval:
    """Return a statistic with its percentile interval from a bootstrap over rows.

    Parameters
    ----------
    statistic
        Takes the arrays, resampled together along their first axis, and returns a number.
    arrays
        Each (n, ...).
    groups
        (n,): rows that belong together, such as one image under several seeds; whole groups are
        drawn. Each row is its own group by default.
    resamples
        How many times the rows are drawn.
    confidence
        Share of the resamples inside the interval, in (0, 1).
    seed
        Of the random numbers.

    Returns
    -------
    The value on all rows, and the interval. Resamples on which the statistic is not defined
    (NaN) are left out; if they are more than half, the interval is NaN.

    Raises
    ------
    InputError
        There are no rows, or the arrays differ in length.

    References
    ----------
    Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapters 8 and 13.

    >>> bootstrap(np.mean, np.arange(100.0), resamples=500, confidence=0.9, seed=0).value
    49.5
    """
    (interval,) = bootstrap_many(
        lambda *rows: [statistic(*rows)],
        *arrays,
        groups=groups,
        resamples=resamples,
        confidence=confidence,
        seed=seed,
    )
    return interval


def bootstrap_many(
    statistics: Callable[..., ArrayLike],
    *arrays: NDArray,
    groups: NDArray | None = None,
    resamples: int,
    confidence: float,
    seed: int,
) -> list[Interval]:
    """Return several statistics from the same resamples; `statistics` returns them all, (m,).

    Otherwise as `bootstrap`.
    """
    lengths = {len(array) for array in (*arrays, *([] if groups is None else [groups]))}
    if lengths == {0} or len(lengths) != 1:
        raise InputError(f"a bootstrap needs arrays of one length above 0, not {sorted(lengths)}")
    labels = np.arange(lengths.pop()) if groups is None else np.asarray(groups)
    _, membership = np.unique(labels, return_inverse=True)
    rows_of = np.split(
        np.argsort(membership, kind="stable"), np.cumsum(np.bincount(membership))[:-1]
    )
    random = np.random.default_rng(seed)
    values = []
    for _ in range(resamples):
        drawn = random.integers(len(rows_of), size=len(rows_of))
        rows = np.concatenate([rows_of[j] for j in drawn])
        values.append(np.asarray(statistics(*(array[rows] for array in arrays)), float))
    tail = (1 - confidence) / 2
    found = []
    for value, drawn in zip(np.asarray(statistics(*arrays)), np.stack(values, axis=1), strict=True):
        defined = drawn[~np.isnan(drawn)]
        enough = 2 * len(defined) > resamples
        low, high = np.quantile(defined, [tail, 1 - tail]) if enough else (np.nan, np.nan)
        found.append(Interval(float(value), float(low), float(high)))
    return found


def spearman(first: ArrayLike, second: ArrayLike) -> float:
    """Return Spearman's rank correlation, NaN if one side is constant.

    >>> spearman([1, 2, 3, 4], [10, 20, 30, 40])
    1.0
    """
    return _correlation(*_ranks(first, second))


def partial_spearman(first: ArrayLike, second: ArrayLike, *given: ArrayLike) -> float:
    """Return the rank correlation of two variables after removing one or more others from both.

    It is Pearson's correlation of the residuals of the ranks, each regressed on the ranks of
    `given`.
    """
    ranks = _ranks(first, second, *given)
    both, design = ranks[:2].T, np.column_stack([np.ones(len(ranks.T)), *ranks[2:]])
    residuals = both - design @ np.linalg.lstsq(design, both, rcond=None)[0]
    return _correlation(*residuals.T)


def rejection_curve(
    error: ArrayLike, uncertainty: ArrayLike, fractions: ArrayLike
) -> NDArray[np.float64]:
    """Return the mean error of what is left after removing the most uncertain images.

    Parameters
    ----------
    error, uncertainty
        (n,), per image.
    fractions
        (m,), the shares removed, each in [0, 1).

    >>> rejection_curve([1.0, 2.0, 3.0, 6.0], [0, 1, 2, 3], [0, 0.25, 0.5]).tolist()
    [3.0, 2.0, 1.5]
    """
    error = np.asarray(error, float)[np.argsort(uncertainty, kind="stable")]
    means = np.cumsum(error) / np.arange(1, len(error) + 1)
    kept = np.ceil((1 - np.asarray(fractions, float)) * len(error) - 1e-9).astype(int)
    return means[np.clip(kept, 1, len(error)) - 1]


def ause(error: ArrayLike, uncertainty: ArrayLike) -> float:
    r"""Return the area under the sparsification error curve: 0 for an oracle, 1 for random order.

    .. math:: \frac{\int (r_u(t) - r_e(t)) dt}{\int (\bar e - r_e(t)) dt}

    where r is the rejection curve by uncertainty u and by the error e itself, and a random order
    leaves the mean error as it is. Source: Ilg et al. (2018), section 5, normalised.

    >>> ause([1.0, 2.0, 3.0], [1, 2, 3]), ause([1.0, 2.0, 3.0], [3, 2, 1]) > 1
    (0.0, True)
    """
    error = np.asarray(error, float)
    fractions = np.arange(len(error)) / len(error)
    oracle = rejection_curve(error, error, fractions)
    curve = rejection_curve(error, uncertainty, fractions)
    possible = np.sum(error.mean() - oracle)
    return float(np.sum(curve - oracle) / possible) if possible > 0 else np.nan


def pixel_auroc(map_: NDArray, mask: NDArray[np.bool_]) -> float:
    """Return the area under the ROC curve of a map against a mask (H, W); NaN without both kinds.

    It is the probability that a pixel of the object stands above a pixel outside.
    """
    return float(roc_auc_score(mask.ravel(), map_.ravel())) if _both(mask) else np.nan


def pixel_average_precision(map_: NDArray, mask: NDArray[np.bool_]) -> float:
    """Return the average precision of a map against a mask (H, W); NaN without both kinds."""
    return float(average_precision_score(mask.ravel(), map_.ravel())) if _both(mask) else np.nan


def inside_outside_ratio(map_: NDArray, mask: NDArray[np.bool_]) -> float:
    """Return the mean of a map inside a mask over its mean outside; NaN without both kinds.

    >>> inside_outside_ratio(np.array([[1.0, 4.0]]), np.array([[False, True]]))
    4.0
    """
    return float(map_[mask].mean() / map_[~mask].mean()) if _both(mask) else np.nan


def _ranks(*variables: ArrayLike) -> NDArray[np.float64]:
    # In one call: a bootstrap ranks so often that the call costs more than the sorting.
    return stats.rankdata(np.stack([np.asarray(values) for values in variables]), axis=1)


def _correlation(first: NDArray, second: NDArray) -> float:
    first, second = first - first.mean(), second - second.mean()
    scale = np.sqrt(np.sum(first**2) * np.sum(second**2))
    # Differences of ranks are halves at least; anything smaller is rounding of a constant.
    return float(np.sum(first * second) / scale) if scale > 1e-9 else np.nan


def _both(mask: NDArray[np.bool_]) -> bool:
    return bool(mask.any() and not mask.all())


def over_seeds(statistic: Callable[..., float]) -> Callable[..., float]:
    """Return a statistic of several columns, the last of them the seed, as the mean over seeds.

    Scores of different networks have different scales; ranks are taken within each.
    """

    def mean(*columns: np.ndarray) -> float:
        *values, seeds = columns
        return float(
            np.mean([statistic(*(v[seeds == seed] for v in values)) for seed in np.unique(seeds)])
        )

    return mean
