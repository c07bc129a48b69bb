"""The numbers behind the claims on cost: errors after some products, or with some memory."""

import numpy as np
import pandas as pd

from companion.config import Profile
from companion.statistics.interval import Interval
from companion.statistics.metrics import bootstrap
from companion.statistics.summaries import BOOTSTRAP_SEED


def error_after(
    errors: pd.DataFrame, profile: Profile, quantity: str, estimator: str, budget: int
) -> Interval:
    """Return the root mean square relative error, with a bootstrap over images and repeats.

    Parameters
    ----------
    errors
        From `experiments.estimators.measure`.
    profile
        Sets the bootstrap.
    quantity, estimator, budget
        Which of its rows.
    """
    rows = errors[
        (errors["quantity"] == quantity)
        & (errors["estimator"] == estimator)
        & (errors["budget"] == budget)
    ]
    return _bootstrap(_root_mean_square, rows["error"], profile)


def products_for_map(error: Interval, products: float, wanted: float = 0.1) -> Interval:
    r"""Return how many products a mean of independent probes needs for a wanted relative error.

    .. math:: S' = S \left( \frac{e(S)}{e'} \right)^2

    >>> products_for_map(Interval(0.5, 0.4, 0.6), 100).value
    2500.0
    """
    low, value, high = (
        products * (end / wanted) ** 2 for end in (error.low, error.value, error.high)
    )
    return Interval(value, low, high)


def best_sketch_error(scores: pd.DataFrame, profile: Profile, most_kept: float = 0.25) -> Interval:
    """Return the relative error of the score with the best sketch that is small enough.

    Parameters
    ----------
    scores
        From `experiments.sketch.measure`.
    profile
        Sets the bootstrap, which is over images.
    most_kept
        How many numbers the sketched basis may keep, relative to the full one.

    Returns
    -------
    Interval
        NaN if no sketch is that small.
    """
    small = scores[scores["numbers_kept"] <= most_kept]
    if small.empty:
        return Interval(np.nan, np.nan, np.nan)
    small = small.assign(error=(small["ratio"] - 1).abs())
    settings = small.groupby(["sketch", "share", "steps"])["error"]
    return _bootstrap(np.mean, settings.get_group(settings.mean().idxmin()), profile)


def _root_mean_square(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _bootstrap(statistic, values: pd.Series, profile: Profile) -> Interval:
    return bootstrap(
        statistic,
        values.to_numpy(float),
        resamples=profile.statistics.resamples,
        confidence=profile.statistics.confidence,
        seed=BOOTSTRAP_SEED,
    )
