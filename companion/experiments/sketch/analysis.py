"""The numbers behind the claim on the sketch."""

import numpy as np
import pandas as pd

from companion.config import Profile
from companion.statistics.interval import Interval
from companion.statistics.summaries import over_rows


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
    return over_rows(settings.get_group(settings.mean().idxmin()), profile, np.mean)
