"""What the score table says of groups, training sets and maps."""

import numpy as np
import pandas as pd

from companion.config import DATASETS, Profile
from companion.statistics.interval import Interval
from companion.statistics.metrics import spearman
from companion.statistics.summaries import GROUPS, over_images, select


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
