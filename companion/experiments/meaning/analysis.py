"""What SLUG says of the error that cheaper numbers do not, and what can be decided by it."""

from collections.abc import Iterable
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from companion.config import MIXED, Profile
from companion.experiments.baselines.analysis import BASELINES
from companion.experiments.baselines.report import titles
from companion.statistics.inference import over_runs
from companion.statistics.interval import Interval
from companion.statistics.metrics import partial_spearman, spearman
from companion.statistics.runs import on_skin, over_clusters, per_run, within_images
from companion.statistics.summaries import GROUPS, select

ERROR = "squared_error"
# What costs nothing, by the names of the baselines.
GIVEN = {
    "edge energy": "edge_energy",
    "KL divergence": "divergence",
    "norm of the latent mean": "norm_of_mean",
    "nearest training image": "nearest_in_pixels",
}
# An error is called large if it is among this share of the largest, an image is flagged if its
# score is.
LARGE = 0.1
# Of the images that are kept, so many may have a large error.
RISKS = (0.01, 0.02, 0.05)
LARGE_FOR_RISK = 0.25


def epistemic(scores: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Return how the scores' changes between training sets follow those of the error.

    With effects of images alone, and with those of training sets as well: the second leaves out
    that a whole network may be more uncertain than another.
    """
    rows = on_skin(scores)
    networks = [rows["seed"], rows["dataset"]]
    centred = rows.assign(
        **{
            column: rows[column] / np.exp(np.log(rows[column]).groupby(networks).transform("mean"))
            for column in ("mse", "slug", "kl", "encoder_std")
        }
    )
    table = {}
    for column, title in (
        ("slug", "SLUG"),
        ("kl", "KL divergence"),
        ("encoder_std", "encoder standard deviation"),
    ):
        table[title] = {
            title_of_effects: over_runs(
                per_run(part, partial(within_images, first=column, second="mse")),
                profile.statistics.confidence,
            ).clipped(-1, 1)
            for title_of_effects, part in (
                ("within images", rows),
                ("within images and training sets", centred),
            )
        }
    return pd.DataFrame.from_dict(table, orient="index")


def free_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """Return SLUG of the skin images under B, and what costs nothing, by the names of baselines."""
    names = {"mse": ERROR, "kl": "divergence", "encoder_std": "encoder_standard_deviation"}
    return select(scores, MIXED, *GROUPS).rename(columns=names)


def added(wide: pd.DataFrame, profile: Profile, names: Iterable[str]) -> pd.DataFrame:
    """Return the rank correlation of each score with the error, alone and given what costs nothing.

    Parameters
    ----------
    wide
        One row per (seed, image), a column for each baseline, and `group`.
    profile
        Sets the intervals, by a bootstrap of runs and of patients.
    names
        Of the baselines.
    """

    with_error = partial(correlation, wide, profile, ERROR)
    rows = {}
    for name in names:
        others = {title: given for title, given in GIVEN.items() if given != name}
        rows[name] = {
            "alone": with_error(name),
            "given all four": with_error(name, *others.values()),
            **{f"given {title}": with_error(name, given) for title, given in others.items()},
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def correlation(
    wide: pd.DataFrame, profile: Profile, first: str, second: str, *given: str
) -> Interval:
    """Return the rank correlation of two columns, once others have been taken out of both."""
    statistic = partial_spearman if given else spearman
    return over_clusters(wide, profile, statistic, first, second, *given).clipped(-1, 1)


def sufficiency(scores: pd.DataFrame, profile: Profile) -> pd.Series:
    """Return the gap in log error between dark and light skin, as it is and given SLUG.

    The second is the coefficient of the group in a regression of the log error on log SLUG and the
    group: 0 if a given score means the same error in both groups.
    """
    rows = select(scores, MIXED, *GROUPS)
    rows = rows.assign(
        log_error=np.log(rows["mse"]), log_slug=np.log(rows["slug"]), dark=rows["set"] == "dark"
    )
    given = over_clusters(rows, profile, _gap_given, "log_error", "dark", "log_slug")
    return pd.Series(
        {
            "gap": over_clusters(rows, profile, _gap, "log_error", "dark"),
            "gap given SLUG": given,
        }
    )


def flags(scores: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Return, by group, how many images a fixed threshold flags and how many have a large error.

    Over runs and patients; and their difference, above 0 where a group is flagged too often.
    """
    rows = select(scores, MIXED, *GROUPS)
    rows = rows.assign(dark=rows["set"] == "dark")
    table = {}
    for group in GROUPS:
        rate = partial(_rate, in_dark=group == "dark")
        excess = partial(_excess, in_dark=group == "dark")
        table[group] = {
            "flagged by SLUG": over_clusters(rows, profile, rate, "slug", "dark").clipped(0, 1),
            "large error": over_clusters(rows, profile, rate, "mse", "dark").clipped(0, 1),
            "difference": over_clusters(rows, profile, excess, "slug", "mse", "dark"),
        }
    return pd.DataFrame.from_dict(table, orient="index")


def calibration(table: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Return whether SLUG's variance of a pixel tells its squared residual.

    From `calibration.csv`. One factor for all images of a network is allowed for.
    """
    rows = table.assign(dark=table["set"] == "dark")
    asked = (
        ("rank correlation over an image's pixels", np.nanmean, ("rank",), "above 0"),
        ("slope of log residual in log variance", np.nanmean, ("slope",), "1"),
        ("spread of log (residual / variance)", _spread, ("log_ratio",), "0"),
        ("its mean on dark skin less that on light", _gap, ("log_ratio", "dark"), "0"),
    )
    return pd.DataFrame(
        [
            {"": title, "found": str(over_clusters(rows, profile, *one)), "if calibrated": ideal}
            for title, statistic, columns, ideal in asked
            for one in [(statistic, *columns)]
        ]
    ).set_index("")


def kept_at_risk(wide: pd.DataFrame, profile: Profile, names: Iterable[str]) -> pd.DataFrame:
    r"""Return the share of images kept at a guaranteed risk, and the risk that was met.

    The threshold is the largest for which, on the calibrating half of the patients,

    .. math:: \frac{1}{n + 1} \left( \sum_i 1\{u_i \le t, \; e_i > e^*\} + 1 \right) \le \alpha

    so that the chance of a kept image with a large error is at most alpha, over the draw of the
    halves. e* is the upper quartile of the calibrating errors.

    References
    ----------
    Angelopoulos, Bates, Fisch, Lei, Schuster, Conformal risk control (2024), theorem 1.
    """
    patients = wide.groupby("seed")["group"].transform(lambda group: pd.factorize(group)[0])
    table = wide.assign(dark=wide["set"] == "dark", patient=patients)
    rows = []
    for name, risk in product(names, RISKS):
        row: dict[str, object] = {"score": titles()[name], "risk allowed": f"{risk:.0%}"}
        for quantity in ("kept", *(f"kept, {group}" for group in GROUPS), "risk met"):
            statistic = partial(_controlled, risk=risk, quantity=quantity)
            columns = (name, ERROR, "dark", "patient", "seed")
            row[quantity] = str(over_clusters(table, profile, statistic, *columns).clipped(0, 1))
        rows.append(row)
    return pd.DataFrame(rows).set_index(["score", "risk allowed"])


def control_risk(
    score: NDArray, error: NDArray, dark: NDArray, patient: NDArray, *, seed: int, risk: float
) -> dict[str, float]:
    """Calibrate a threshold on one half of the patients of a run, and look at the other half."""
    names = np.unique(patient)
    calibrating = np.random.default_rng(seed).permutation(names)[: len(names) // 2]
    known = np.isin(patient, calibrating)
    large = error > np.quantile(error[known], 1 - LARGE_FOR_RISK)
    order = np.argsort(score[known], kind="stable")
    losses = np.cumsum(large[known][order])
    allowed = np.flatnonzero((losses + 1) / (known.sum() + 1) <= risk)
    threshold = score[known][order][allowed[-1]] if len(allowed) else -np.inf
    kept = score <= threshold
    return {
        "kept": float(kept[~known].mean()),
        "risk met": float((kept & large)[~known].mean()),
        "kept, light": _share_of(kept, ~known & (dark == 0)),
        "kept, dark": _share_of(kept, ~known & (dark == 1)),
    }


def layer_table(layers: pd.DataFrame, scores: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Return, for each layer, its share of all layers' scores and what its score follows."""
    mixed = scores[scores["dataset"] == MIXED][["seed", "image_id", "kl", "mse"]]
    rows = layers.merge(mixed, on=["seed", "image_id"])
    whole = rows[rows["layer"] == WHOLE].set_index(["seed", "image_id"])["score"]
    rows = rows.assign(
        whole=whole.loc[pd.MultiIndex.from_frame(rows[["seed", "image_id"]])].to_numpy()
    )
    sums = rows[rows["layer"] != WHOLE].groupby("seed")["score"].sum()
    table = {}
    for layer, chosen in rows.groupby("layer", sort=False):
        share = chosen.groupby("seed")["score"].sum() / sums
        table[layer] = {
            "parameters": f"{chosen['parameters'].iloc[0]:,}",
            "share": "" if layer == WHOLE else f"{share.mean():.1%}",
            **{
                f"rank correlation with {title}": f"{_mean_rank(chosen, column):.2f}"
                for column, title in (
                    ("whole", "SLUG"),
                    ("mse", "the error"),
                    ("kl", "KL"),
                    ("norm", "|mu|²"),
                )
            },
        }
    return pd.DataFrame.from_dict(table, orient="index").rename_axis("layer")


WHOLE = "whole network"


def _mean_rank(rows: pd.DataFrame, column: str) -> float:
    return float(np.nanmean(per_run(rows, lambda one: spearman(one["score"], one[column]))))


def _spread(values: np.ndarray) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else np.nan


def _gap(error: np.ndarray, dark: np.ndarray) -> float:
    if dark.min() == dark.max():
        return np.nan
    return float(error[dark == 1].mean() - error[dark == 0].mean())


def _gap_given(error: np.ndarray, dark: np.ndarray, slug: np.ndarray) -> float:
    design = np.column_stack([np.ones(len(error)), dark, slug])
    return float(np.linalg.lstsq(design, error, rcond=None)[0][1])


def _rate(values: np.ndarray, dark: np.ndarray, in_dark: bool) -> float:
    chosen = values[dark == in_dark]
    return float(np.mean(chosen > np.quantile(values, 1 - LARGE))) if len(chosen) else np.nan


def _excess(slug: np.ndarray, error: np.ndarray, dark: np.ndarray, in_dark: bool) -> float:
    return _rate(slug, dark, in_dark) - _rate(error, dark, in_dark)


def _controlled(*columns: NDArray, risk: float, quantity: str) -> float:
    *values, seeds = columns
    score, error, dark, patient = values
    found = control_risk(score, error, dark, patient, seed=int(seeds[0]), risk=risk)
    return found[quantity]


def _share_of(kept: NDArray, chosen: NDArray) -> float:
    return float(kept[chosen].mean()) if chosen.any() else np.nan


def shown_in(wide: pd.DataFrame) -> list[str]:
    """Return the names of the baselines that a table holds, without the error itself."""
    return [name for name in BASELINES if name in wide and name != ERROR]


def show(intervals: pd.DataFrame) -> pd.DataFrame:
    """Return a table of intervals as text, its baselines under the names that people use."""
    return intervals.map(lambda cell: str(cell) if isinstance(cell, Interval) else "").rename(
        index=titles()
    )
