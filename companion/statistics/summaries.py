"""The few summaries of the score table that several notebooks and verdicts share."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from companion.config import Profile
from companion.paths import DATASETS
from companion.statistics.interval import Interval
from companion.statistics.metrics import bootstrap, spearman
from slugkit.data.acquire.manifests import load_manifest

GROUPS = ("light", "dark")
SKIN_TYPE_NUMERALS = ("I", "II", "III", "IV", "V", "VI")

# Every bootstrap of the book starts here, so that the same table gives the same interval.
BOOTSTRAP_SEED = 0


def cells(scores: pd.DataFrame, profile: Profile, column: str) -> pd.DataFrame:
    """Return the mean of a column for each training set and test group, with its interval.

    One row per (dataset, group): value, low, high. The interval is a bootstrap over images; with
    several seeds, all rows of one image are drawn together.
    """
    rows = []
    for dataset in DATASETS:
        for group in GROUPS:
            chosen = select(scores, dataset, group)
            interval = over_images(chosen, profile, np.mean, column)
            rows.append(
                {
                    "dataset": dataset,
                    "group": group,
                    "value": interval.value,
                    "low": interval.low,
                    "high": interval.high,
                }
            )
    return pd.DataFrame(rows)


def cell_table(scores: pd.DataFrame, profile: Profile, *columns: str) -> pd.DataFrame:
    """Return the means of some columns for each training set and test group, as text.

    Each as mean (interval over images), followed by the deviation of the runs' own means.
    """
    parts = {}
    for column in columns:
        table = cells(scores, profile, column).set_index(["dataset", "group"])
        parts[column] = [
            f"{Interval(row['value'], row['low'], row['high']):.3g}" for _, row in table.iterrows()
        ]
        if len(profile.seeds) > 1:
            means = scores.groupby(["dataset", "set", "seed"])[column].mean()
            parts[f"{column}, deviation over runs"] = [
                f"{means.loc[place].std():.2g}" for place in table.index
            ]
    index = table.index.set_names(["trained on", "tested on"])
    return pd.DataFrame(parts, index=index).rename(columns=lambda name: name.replace("_", " "))


def over_runs(table: pd.DataFrame, profile: Profile, *columns: str) -> pd.DataFrame:
    """Return mean, deviation and interval of some columns over the runs, for each training set.

    Parameters
    ----------
    table
        One row per (dataset, seed).
    columns
        Quantities of a whole run, such as its final loss.
    """
    rows = []
    for dataset, group in table.groupby("dataset"):
        for column in columns:
            values = group[column].to_numpy(float)
            interval = bootstrap(
                np.mean,
                values,
                resamples=profile.statistics.resamples,
                confidence=profile.statistics.confidence,
                seed=BOOTSTRAP_SEED,
            )
            several = len(values) > 1
            rows.append(
                {
                    "trained on": dataset,
                    "quantity": column.replace("_", " "),
                    "runs": len(values),
                    "mean": f"{interval.value:.4g}",
                    "deviation": f"{values.std(ddof=1):.2g}" if several else "–",
                    "interval": f"{interval.low:.4g} to {interval.high:.4g}" if several else "–",
                }
            )
    return pd.DataFrame(rows).set_index(["trained on", "quantity"])


def final_losses(losses: pd.DataFrame) -> pd.DataFrame:
    """Return the last epoch's loss of each (dataset, seed), as the column final_loss."""
    last = losses.sort_values("epoch").groupby(["dataset", "seed"])["negative_elbo"].last()
    return last.rename("final_loss").reset_index()


def select(scores: pd.DataFrame, dataset: str, *sets: str) -> pd.DataFrame:
    """Return the rows of one training set and the named test sets."""
    return scores[(scores["dataset"] == dataset) & scores["set"].isin(sets)]


def over_images(
    rows: pd.DataFrame, profile: Profile, statistic: Callable[..., float], *columns: str
) -> Interval:
    """Return a statistic of some columns with its interval from a bootstrap over images."""
    return bootstrap(
        statistic,
        *(rows[column].to_numpy(float) for column in columns),
        groups=rows["image_id"].to_numpy(str),
        resamples=profile.statistics.resamples,
        confidence=profile.statistics.confidence,
        seed=BOOTSTRAP_SEED,
    )


def ratio(
    scores: pd.DataFrame,
    profile: Profile,
    column: str,
    above: tuple[str, str],
    below: tuple[str, str],
) -> Interval:
    """Return mean(column | above) / mean(column | below), each side a (dataset, group).

    The interval is a bootstrap over images. An image that stands on both sides (two training
    sets, one test group) is drawn for both at once.
    """
    rows = pd.concat(
        [
            select(scores, *side)[["image_id", column]].assign(above=float(side == above))
            for side in (above, below)
        ]
    )

    def quotient(values: np.ndarray, is_above: np.ndarray) -> float:
        chosen = is_above == 1
        if chosen.all() or not chosen.any():
            return np.nan
        return float(values[chosen].mean() / values[~chosen].mean())

    return over_images(rows, profile, quotient, column, "above")


def ratio_of_ratios(scores: pd.DataFrame, profile: Profile, column: str) -> Interval:
    """Return (dark / light after training on A) / (dark / light after training on C).

    Above 1, the group that was missing in training fares worse. The interval is a bootstrap over
    images, an image being drawn for both training sets at once.
    """
    rows = scores[scores["set"].isin(GROUPS) & scores["dataset"].isin(["A", "C"])]
    sign = np.where(rows["dataset"] == "A", 1, -1) * np.where(rows["set"] == "dark", 1, -1)
    code = 2 * (rows["dataset"] == "A") + (rows["set"] == "dark")

    def statistic(values: np.ndarray, signs: np.ndarray, codes: np.ndarray) -> float:
        found, places = np.unique(codes, return_index=True)
        if len(found) < 4:
            return np.nan
        logarithms = [np.log(values[codes == cell].mean()) for cell in found]
        return float(np.exp(np.dot(signs[places], logarithms)))

    return over_images(
        rows.assign(sign=sign, code=code), profile, statistic, column, "sign", "code"
    )


def skin_types(types: tuple[int, ...]) -> str:
    """Return skin types as people write them.

    >>> skin_types((1, 2)), skin_types((3, 4, 5, 6)), skin_types((5,))
    ('FST I–II', 'FST III–VI', 'FST V')
    """
    first, last = (SKIN_TYPE_NUMERALS[t - 1] for t in (min(types), max(types)))
    return f"FST {first}" if first == last else f"FST {first}–{last}"


def source_names(sources: list[str]) -> str:
    """Return data sets as people call them.

    >>> source_names(["synthetic"]), source_names(["pad_ufes_20", "isic2017"])
    ('synthetic skin', 'PAD-UFES-20 and ISIC Challenge 2017')
    """
    titles = ["synthetic skin" if s == "synthetic" else load_manifest(s).title for s in sources]
    return " and ".join([", ".join(titles[:-1]), titles[-1]] if len(titles) > 1 else titles)


def image_counts(profile: Profile, train: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    """Return how many images of each skin type each set holds, for the first seed."""
    seed = profile.seeds[0]
    sets = pd.concat(
        [
            train[train["seed"] == seed].assign(set=lambda rows: "train " + rows["dataset"]),
            test[test["seed"] == seed].assign(set=lambda rows: "test " + rows["set"]),
        ]
    )
    kinds = sets["fitzpatrick"].map(
        lambda t: f"FST {SKIN_TYPE_NUMERALS[t - 1]}", na_action="ignore"
    )
    table = pd.crosstab(sets["set"], kinds.fillna("unknown"))
    order = list(dict.fromkeys(sets["set"]))
    return table.loc[order].assign(total=table.sum(axis=1)).rename_axis(columns=None)


def late_gain(losses: pd.DataFrame) -> float:
    """Return the share of the whole fall of the loss that the last tenth of the epochs brought.

    Near zero, the training has converged; the largest value over all trainings is returned.
    """
    gains = []
    for _, rows in losses.groupby(["dataset", "seed"]):
        values = rows.sort_values("epoch")["negative_elbo"].to_numpy()
        start = values[int(0.9 * (len(values) - 1))]
        gains.append((start - values[-1]) / (values[0] - values[-1]))
    return float(max(gains))


def curvature_table(
    eigenpairs: pd.DataFrame, traces: pd.DataFrame, profile: Profile
) -> pd.DataFrame:
    """Return how far the leading eigenpairs go and what they cost, over the runs.

    Runs recorded before there were upper bounds of the eigenvalues do not say what was verified.
    """
    quantities = {
        "largest": ("eigenvalue", "max"),
        "smallest": ("eigenvalue", "min"),
        "worst_residual": ("relative_residual", "max"),
    }
    if "relative_gap" in eigenpairs:
        close = eigenpairs["relative_gap"] <= profile.curvature.tolerance
        eigenpairs = eigenpairs.assign(close=close.astype(float))
        quantities["share_verified"] = ("close", "min")
    table = eigenpairs.groupby(["dataset", "seed"]).agg(**quantities).reset_index()
    table = table.merge(traces, on=["dataset", "seed"])
    columns = [name for name in table.columns if name not in ("dataset", "seed")]
    return over_runs(table, profile, *columns)


def order_of_cells(scores: pd.DataFrame, profile: Profile, column: str) -> Interval:
    """Return the rank correlation of a column with the error over the (training set, group) means.

    The interval is a bootstrap over images, an image being drawn for all training sets at once.
    """
    rows = scores[scores["set"].isin(GROUPS)]
    numbers = rows.groupby(["dataset", "set"]).ngroup().to_numpy(float)
    count = int(numbers.max()) + 1

    def correlation(values: np.ndarray, errors: np.ndarray, cell: np.ndarray) -> float:
        size = np.bincount(cell.astype(int), minlength=count)
        if not size.all():
            return np.nan
        means = [np.bincount(cell.astype(int), weights=v) / size for v in (values, errors)]
        return spearman(*means)

    return over_images(rows.assign(cell=numbers), profile, correlation, column, "mse", "cell")


def mean_of_map(
    maps: pd.DataFrame, profile: Profile, name: str, kind: str | None = None
) -> Interval:
    """Return a map's mean pixel AUROC over images, of one kind of object or of all."""
    rows = maps[maps["map"] == name]
    rows = rows if kind is None else rows[rows["object"] == kind]
    return over_images(rows, profile, np.mean, "auroc")


def gap_of_maps(maps: pd.DataFrame, profile: Profile, kind: str) -> Interval:
    """Return by how much the AUROC of SLUG exceeds the squared error's, image by image."""
    rows = maps[maps["object"] == kind].pivot_table(
        index=["seed", "image_id"], columns="map", values="auroc"
    )
    rows = rows.assign(gap=rows["slug"] - rows["squared_error"]).reset_index()
    return over_images(rows, profile, np.mean, "gap")


def map_table(maps: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Return AUROC and average precision of each map by kind of object, with intervals."""
    rows = []
    for (where, kind), group in maps.groupby(["set", "object"], sort=False):
        row: dict[str, object] = {
            "object": f"{kind}, {'drawn' if where == 'object' else 'real, mask by colour rule'}",
            "images": group["image_id"].nunique(),
            "pixels covered": f"{group['covered'].mean():.0%}",
        }
        for name, title in (("slug", "SLUG"), ("squared_error", "squared error")):
            for column, label in (("auroc", "AUROC"), ("average_precision", "AP")):
                found = over_images(group[group["map"] == name], profile, np.mean, column)
                row[f"{label}, {title}"] = f"{found:.2f}"
        rows.append(row)
    return pd.DataFrame(rows).set_index("object")
