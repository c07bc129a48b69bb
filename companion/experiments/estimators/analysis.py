"""The numbers behind the claims on cost: errors after some products, or with some memory."""

import numpy as np
import pandas as pd

from companion.config import Profile
from companion.statistics.interval import Interval
from companion.statistics.summaries import over_rows


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
    return over_rows(rows["error"], profile, _root_mean_square)


def own_size(errors: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Return the rows of the size that the network was trained at."""
    return errors[errors["image_size"] == profile.data.image_size]


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


def _root_mean_square(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2)))
