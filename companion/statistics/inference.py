r"""Intervals over the unit that a claim is about: runs, or images and patients within runs."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from companion.statistics.interval import Interval
from slugkit.errors import InputError

POWER = 0.8


def over_runs(values: ArrayLike, confidence: float) -> Interval:
    r"""Return the mean of one number per run, with Student's interval.

    .. math:: \bar x \pm t_{n-1} \, s / \sqrt{n}

    Parameters
    ----------
    values
        (n,), one for each run; a run without one (NaN) is left out.
    confidence
        Of the interval, in (0, 1).

    Returns
    -------
    Interval
        Without ends (NaN) for a single run: one run says nothing of the next.

    References
    ----------
    Student (1908), The probable error of a mean.

    >>> print(over_runs([1.0, 2.0, 3.0], 0.95))
    2.0 (-0.5\xa0to\xa04.5)
    """
    known = np.asarray(values, float)
    known = known[~np.isnan(known)]
    if len(known) == 0:
        return Interval(math.nan, math.nan, math.nan)
    mean = float(known.mean())
    if len(known) == 1:
        return Interval(mean, math.nan, math.nan)
    error = float(known.std(ddof=1) / math.sqrt(len(known)))
    half = float(stats.t.ppf((1 + confidence) / 2, len(known) - 1)) * error
    return Interval(mean, mean - half, mean + half)


def runs_needed(values: ArrayLike, threshold: float, confidence: float) -> float:
    r"""Return how many runs like these would tell their mean from a threshold four times in five.

    .. math:: n = \left( \frac{(t_{n-1, (1+c)/2} + t_{n-1, 0.8}) \, s}{\bar x - \theta} \right)^2

    Infinite where the mean is the threshold, NaN for fewer than two runs.

    >>> runs_needed([1.0, 2.0, 3.0], 0.0, 0.95)
    5.0
    """
    known = np.asarray(values, float)
    known = known[~np.isnan(known)]
    if len(known) < 2:
        return math.nan
    distance, spread = abs(float(known.mean()) - threshold), float(known.std(ddof=1))
    if distance == 0:
        return math.inf
    for count in range(2, 10_001):
        quantiles = stats.t.ppf([(1 + confidence) / 2, POWER], count - 1).sum()
        if math.sqrt(count) * distance >= float(quantiles) * spread:
            return float(count)
    return math.inf


def p_value(interval: Interval, confidence: float) -> float:
    r"""Return the two-sided p-value that a number is 0, as its interval implies it.

    From the normal distribution whose interval is as wide; NaN for a number without one.

    >>> round(p_value(Interval(1.0, 0.0, 2.0), 0.95), 3)
    0.05
    """
    error = (interval.high - interval.low) / 2 / stats.norm.ppf((1 + confidence) / 2)
    if error == 0:
        return float(interval.value == 0)
    return float(2 * stats.norm.sf(abs(interval.value) / error))


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    r"""Return p-values adjusted for being many, (m,): the chance of any false one is below each.

    .. math:: \tilde p_{(i)} = \max_{j \le i} \min(1, (m - j + 1) \, p_{(j)})

    NaN is left out and stays.

    References
    ----------
    Holm (1979), A simple sequentially rejective multiple test procedure.

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    given = np.asarray(p_values, float)
    adjusted = given.copy()
    known = np.flatnonzero(~np.isnan(given))
    order = known[np.argsort(given[known], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(factors * given[order]))
    return adjusted


def over_runs_and_clusters(
    statistic: Callable[..., float],
    *arrays: NDArray,
    runs: NDArray,
    clusters: NDArray,
    resamples: int,
    confidence: float,
    seed: int,
) -> Interval:
    r"""Return the mean over runs of a statistic, with an interval over runs and over clusters.

    With the standard deviation s over r runs, and that of the mean, s_c, when the c clusters, such
    as patients, are drawn anew for all runs together:

    .. math:: \bar x \pm \sqrt{t_{r-1}^2 \, s^2 / r + t_{c-1}^2 \, s_c^2}

    Where all runs are tested on the same images, these are no new evidence in every run, and s does
    not know how much they vary. Where each run has its own, both terms do, so that the interval is
    somewhat too wide. A single run has the second term alone.

    Parameters
    ----------
    statistic
        Takes the arrays of one run, resampled together, and returns a number.
    arrays
        Each (n, ...), one row per image and run.
    runs, clusters
        (n,): the run of each row, and the patient or duplicate group that its image belongs to.
    resamples, confidence, seed
        As for `metrics.bootstrap`.

    Raises
    ------
    InputError
        There are no rows, or the arrays differ in length.

    References
    ----------
    Davison and Hinkley (1997), Bootstrap Methods and their Application, section 3.8, on data with
    two sources of variation.
    """
    lengths = {len(array) for array in (*arrays, runs, clusters)}
    if lengths == {0} or len(lengths) != 1:
        raise InputError(f"a bootstrap needs arrays of one length above 0, not {sorted(lengths)}")
    rows_of = [np.flatnonzero(runs == run) for run in np.unique(runs)]
    names, cluster_of = np.unique(clusters, return_inverse=True)
    random = np.random.default_rng(seed)

    def values(times: NDArray) -> list[float]:
        """Return the statistic of each run, with every cluster so many times."""
        drawn = [np.repeat(rows, times[cluster_of[rows]]) for rows in rows_of]
        return [
            float(statistic(*(array[rows] for array in arrays))) if len(rows) else math.nan
            for rows in drawn
        ]

    count = len(names)
    whole = over_runs(values(np.ones(count, int)), confidence)
    means = [
        _mean(values(np.bincount(random.integers(count, size=count), minlength=count)))
        for _ in range(resamples)
    ]
    defined = np.array(means)[~np.isnan(means)]
    if 2 * len(defined) <= resamples or count == 1:
        return Interval(whole.value, math.nan, math.nan)
    of_clusters = float(stats.t.ppf((1 + confidence) / 2, count - 1) * defined.std(ddof=1))
    of_runs = 0.0 if math.isnan(whole.low) else whole.high - whole.value
    half = math.hypot(of_runs, of_clusters)
    return Interval(whole.value, whole.value - half, whole.value + half)


def _mean(values: list[float]) -> float:
    return float(np.nanmean(values)) if not np.isnan(values).all() else math.nan
