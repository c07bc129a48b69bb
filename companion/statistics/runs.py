"""Statistics of the score table, one number for each run, and the checks made from them."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from companion.config import Profile
from companion.statistics.claims import Check, check, rule_of
from companion.statistics.inference import over_runs, over_runs_and_clusters, runs_needed
from companion.statistics.interval import Interval
from companion.statistics.summaries import BOOTSTRAP_SEED, GROUPS, select

# A standard deviation takes fewer resamples than a quantile does: it is known to a twentieth.
ENOUGH = 200


def per_run(rows: pd.DataFrame, statistic: Callable[[pd.DataFrame], float]) -> np.ndarray:
    """Return a statistic of the rows of each run, in the order of the seeds."""
    return np.array([statistic(one) for _, one in rows.groupby("seed", sort=True)], float)


def log_ratio(
    rows: pd.DataFrame, column: str, above: tuple[str, str], below: tuple[str, str]
) -> float:
    """Return log(mean(column | above) / mean(column | below)), each side (training set, group)."""
    means = [select(rows, *side)[column].mean() for side in (above, below)]
    return float(np.log(means[0] / means[1]))


def double_difference(rows: pd.DataFrame, column: str) -> float:
    r"""Return how far a column follows the representation of skin tones in training.

    .. math:: \log \frac{\bar y(\text{A, dark})}{\bar y(\text{A, light})}
              - \log \frac{\bar y(\text{C, dark})}{\bar y(\text{C, light})}

    Above 0, the group that was missing in training fares worse.
    """
    return log_ratio(rows, column, ("A", "dark"), ("A", "light")) - log_ratio(
        rows, column, ("C", "dark"), ("C", "light")
    )


def within_images(rows: pd.DataFrame, first: str, second: str) -> float:
    """Return the correlation of two columns' logarithms over training sets, within each image.

    Each image is its own control: its mean over the training sets is taken out of both (fixed
    effects), so that no difference between images counts.
    """
    centred = []
    for column in (first, second):
        logs = pd.Series(np.log(rows[column].to_numpy(float)), rows.index)
        centred.append(logs - logs.groupby(rows["image_id"]).transform("mean"))
    return float(np.corrcoef(centred[0], centred[1])[0, 1])


def run_check(claim: str, name: str, metric: str, values: np.ndarray, profile: Profile) -> Check:
    """Return the check of a claim whose unit is the run, from one number for each run.

    Where the claim is an equivalence, both of its one-sided tests are at the level of the profile,
    which is what an interval of twice the level says (Schuirmann 1987, J. Pharmacokinetics 15).
    """
    confidence = _confidence(claim, name, profile)
    needed = runs_needed(values, rule_of(claim, name)["threshold"], confidence)
    interval = over_runs(values, confidence)
    return check(claim, name, metric, interval, runs=len(values), runs_needed=needed)


def cluster_check(
    claim: str,
    name: str,
    metric: str,
    rows: pd.DataFrame,
    profile: Profile,
    statistic: Callable[..., float],
    *columns: str,
    limits: tuple[float, float] = (-np.inf, np.inf),
) -> Check:
    """Return the check of a claim whose units are the run and the patient.

    A single run says nothing of the next, however many patients it has: its interval has no ends.
    How many runs would decide is known only where patients add little to what runs vary by. Beyond
    the `limits` of the statistic no interval goes.
    """
    confidence = _confidence(claim, name, profile)
    interval = over_clusters(rows, profile, statistic, *columns, confidence=confidence)
    by_run = per_run(rows, lambda one: statistic(*(one[name].to_numpy(float) for name in columns)))
    if len(by_run) == 1:
        interval = Interval(interval.value, np.nan, np.nan)
    else:
        interval = interval.clipped(*limits)
    needed = runs_needed(by_run, rule_of(claim, name)["threshold"], confidence)
    return check(claim, name, metric, interval, runs=len(by_run), runs_needed=needed)


def over_clusters(
    rows: pd.DataFrame,
    profile: Profile,
    statistic: Callable[..., float],
    *columns: str,
    confidence: float | None = None,
) -> Interval:
    """Return the mean over runs of a statistic, with a bootstrap of runs and of patients."""
    return over_runs_and_clusters(
        statistic,
        *(rows[column].to_numpy(float) for column in columns),
        runs=rows["seed"].to_numpy(),
        clusters=rows["group"].to_numpy(str),
        resamples=min(profile.statistics.resamples, ENOUGH),
        confidence=confidence or profile.statistics.confidence,
        seed=BOOTSTRAP_SEED,
    )


def _confidence(claim: str, name: str, profile: Profile) -> float:
    level = profile.statistics.confidence
    return 1 - 2 * (1 - level) if rule_of(claim, name)["wanted"] == "within" else level


def on_skin(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the two groups of held-out skin, under all training sets."""
    return scores[scores["set"].isin(GROUPS)]
