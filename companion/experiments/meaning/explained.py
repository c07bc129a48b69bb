"""How much of the error is explained by what costs nothing, and how much more with a score."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from companion.config import Profile
from companion.experiments.meaning.analysis import ERROR, GIVEN
from companion.statistics.interval import Interval
from companion.statistics.runs import over_clusters

FOLDS = 10
PENALTIES = np.logspace(-3, 3, 7)


def explained(wide: pd.DataFrame, profile: Profile, score: str) -> dict[str, Interval]:
    r"""Return which share of the variance of the log error is explained, and what a score adds.

    .. math:: 1 - \operatorname{Var}(\log e - \hat f) / \operatorname{Var}(\log e)

    where f is quadratic in the logarithms of what costs nothing, and in that of the score or not,
    and is fitted by ridge regression to the images of other patients.

    Parameters
    ----------
    wide
        One row per (seed, image), a column for each baseline, and `group`, the patient.
    profile
        Sets the intervals, by a bootstrap of runs and of patients.
    score
        The name of a baseline.
    """
    rows = pd.concat(_predicted(run, score) for _, run in wide.groupby("seed"))
    columns = ("log_error", "without", "with_score")
    return {
        "without": over_clusters(rows, profile, _share, *columns[:2]),
        "with": over_clusters(rows, profile, _share, *columns[::2]),
        "added": over_clusters(rows, profile, _more, *columns),
    }


def _predicted(run: pd.DataFrame, score: str) -> pd.DataFrame:
    """Return the images of one run with what either function predicts for each."""
    logs = np.log(run[[*GIVEN.values(), score, ERROR]])
    folds = GroupKFold(min(FOLDS, run["group"].nunique()))
    quadratic = make_pipeline(StandardScaler(), PolynomialFeatures(2), RidgeCV(PENALTIES))
    predicted = {
        name: cross_val_predict(quadratic, logs[inputs], logs[ERROR], groups=run["group"], cv=folds)
        for name, inputs in (
            ("without", [*GIVEN.values()]),
            ("with_score", [*GIVEN.values(), score]),
        )
    }
    return run[["seed", "group"]].assign(log_error=logs[ERROR], **predicted)


def _share(error: NDArray, predicted: NDArray) -> float:
    return float(1 - np.var(error - predicted) / np.var(error))


def _more(error: NDArray, without: NDArray, with_score: NDArray) -> float:
    return _share(error, with_score) - _share(error, without)
