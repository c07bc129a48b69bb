"""What SLUG says of the error that cheaper numbers do not, and what can be decided by it."""

from collections.abc import Iterable
from functools import partial

import numpy as np
import pandas as pd

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
            "within images": _shown(
                per_run(rows, partial(within_images, first=column, second="mse")), profile
            ),
            "within images and training sets": _shown(
                per_run(centred, partial(within_images, first=column, second="mse")), profile
            ),
        }
    return pd.DataFrame.from_dict(table, orient="index")


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
    rows = {}
    for name in names:
        row = {"alone": over_clusters(wide, profile, spearman, name, ERROR)}
        for title, given in GIVEN.items():
            if given != name:
                row[f"given {title}"] = over_clusters(
                    wide, profile, partial_spearman, name, ERROR, given
                )
        every = [given for given in GIVEN.values() if given != name]
        row["given all four"] = over_clusters(wide, profile, partial_spearman, name, ERROR, *every)
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index")


def sufficiency(scores: pd.DataFrame, profile: Profile) -> dict[str, Interval]:
    """Return the gap in log error between dark and light skin, as it is and given SLUG.

    The second is the coefficient of the group in a regression of the log error on log SLUG and the
    group: 0 if a given score means the same error in both groups.
    """
    rows = select(scores, MIXED, *GROUPS)
    rows = rows.assign(
        log_error=np.log(rows["mse"]), log_slug=np.log(rows["slug"]), dark=rows["set"] == "dark"
    )
    return {
        "gap": over_clusters(rows, profile, _gap, "log_error", "dark"),
        "gap given SLUG": over_clusters(rows, profile, _gap_given, "log_error", "dark", "log_slug"),
    }


def flags(scores: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Return, by group, how many images a fixed threshold flags and how many have a large error."""
    rows = select(scores, MIXED, *GROUPS)
    table = {}
    for group in GROUPS:
        table[group] = {
            title: _shown(per_run(rows, partial(_rate, column=c, group=group)), profile)
            for title, c in (("flagged by SLUG", "slug"), ("large error", "mse"))
        }
    return pd.DataFrame.from_dict(table, orient="index")


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
    rows = []
    for name in names:
        for risk in RISKS:
            made = [_risk_of_run(one, name, risk) for _, one in wide.groupby("seed")]
            row: dict[str, object] = {"score": name, "risk allowed": f"{risk:.0%}"}
            for column in ("kept", *(f"kept, {group}" for group in GROUPS), "risk met"):
                row[column] = _shown([one[column] for one in made], profile)
            rows.append(row)
    return pd.DataFrame(rows).set_index(["score", "risk allowed"])


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


def _gap(error: np.ndarray, dark: np.ndarray) -> float:
    return float(error[dark == 1].mean() - error[dark == 0].mean())


def _gap_given(error: np.ndarray, dark: np.ndarray, slug: np.ndarray) -> float:
    design = np.column_stack([np.ones(len(error)), dark, slug])
    return float(np.linalg.lstsq(design, error, rcond=None)[0][1])


def _rate(rows: pd.DataFrame, column: str, group: str) -> float:
    above = rows[column] > rows[column].quantile(1 - LARGE)
    return float(above[rows["set"] == group].mean())


def _risk_of_run(rows: pd.DataFrame, name: str, risk: float) -> dict[str, float]:
    """Calibrate on one half of the patients of a run and look at the other."""
    random = np.random.default_rng(int(rows["seed"].iloc[0]))
    groups = np.unique(rows["group"].to_numpy(str))
    calibrating = set(random.permutation(groups)[: len(groups) // 2])
    first = rows["group"].astype("str").isin(calibrating)
    known, new = rows[first], rows[~first]
    large = known[ERROR].quantile(1 - LARGE_FOR_RISK)
    order = known.sort_values(name, kind="stable")
    losses = np.cumsum(order[ERROR].to_numpy() > large)
    allowed = np.flatnonzero((losses + 1) / (len(known) + 1) <= risk)
    threshold = order[name].iloc[allowed[-1]] if len(allowed) else -np.inf
    kept = new[name] <= threshold
    found = {"kept": float(kept.mean()), "risk met": float((kept & (new[ERROR] > large)).mean())}
    return found | {f"kept, {g}": float(kept[new["set"] == g].mean()) for g in GROUPS}


def _shown(values: Iterable[float], profile: Profile) -> str:
    return str(over_runs(list(values), profile.statistics.confidence))


def shown_in(wide: pd.DataFrame) -> list[str]:
    """Return the names of the baselines that a table holds, without the error itself."""
    return [name for name in BASELINES if name in wide and name != ERROR]


def show(added: pd.DataFrame) -> pd.DataFrame:
    """Return `added` as text, under the names that people use."""
    return added.map(lambda cell: str(cell) if isinstance(cell, Interval) else "").rename(
        index=titles()
    )
