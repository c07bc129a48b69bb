"""What the score table says of groups, training sets and maps."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from companion.config import DATASETS, MIXED, Profile
from companion.statistics.inference import over_runs
from companion.statistics.interval import Interval
from companion.statistics.metrics import spearman
from companion.statistics.runs import (
    double_difference,
    log_ratio,
    on_skin,
    over_clusters,
    per_run,
)
from companion.statistics.summaries import GROUPS, over_images, select

MAP_TITLES = {"slug": "SLUG", "squared_error": "squared error", "edge_energy": "edge energy"}


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

    Each as mean (interval over images), followed by the standard deviation of
    the runs' own means.
    """
    parts = {}
    for column in columns:
        table = cells(scores, profile, column).set_index(["dataset", "group"])
        parts[column] = [
            str(Interval(row["value"], row["low"], row["high"])) for _, row in table.iterrows()
        ]
        if len(profile.seeds) > 1:
            means = scores.groupby(["dataset", "set", "seed"])[column].mean()
            parts[f"{column}, standard deviation over runs"] = [
                f"{means.loc[place].std():.2g}" for place in table.index
            ]
    index = table.index.set_names(["trained on", "tested on"])
    return pd.DataFrame(parts, index=index).rename(columns=lambda name: name.replace("_", " "))


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


def within_origins(scores: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Return the results on groups within each origin of the images, such as one atlas.

    One row per number, one column per origin: the mean over runs with Student's interval. Empty if
    all images are of one origin, or of unknown ones.
    """
    rows = on_skin(scores)
    known = rows.get("origin", pd.Series(dtype=str)).dropna()
    origins = sorted(set(known) - {""})
    if len(origins) < 2:
        return pd.DataFrame()
    ratio = partial(partial, log_ratio)
    numbers: dict[str, Callable[[pd.DataFrame], float]] = {
        "C1: log (dark / light error) after A less that after C": partial(
            double_difference, column="mse"
        ),
        "C3: the same of SLUG": partial(double_difference, column="slug"),
        "C4: log (dark / light error) after C": ratio(
            column="mse", above=("C", "dark"), below=("C", "light")
        ),
        "C4: the same of SLUG": ratio(column="slug", above=("C", "dark"), below=("C", "light")),
        "C5: log (C / B) of the error on light skin": ratio(
            column="mse", above=("C", "light"), below=("B", "light")
        ),
        "C5: the same on dark skin": ratio(column="mse", above=("C", "dark"), below=("B", "dark")),
        "C7: rank correlation of SLUG with the error": lambda one: spearman(
            *(select(one, MIXED, *GROUPS)[column].to_numpy(float) for column in ("slug", "mse"))
        ),
    }
    table = {}
    for origin in origins:
        chosen = rows[rows["origin"] == origin]
        table[f"{origin}, {chosen['image_id'].nunique()} images"] = {
            title: str(over_runs(per_run(chosen, number), profile.statistics.confidence))
            for title, number in numbers.items()
        }
    return pd.DataFrame(table)


def map_table(maps: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Return AUROC and average precision of each map by kind of object, with intervals."""
    rows = []
    for (where, kind), group in maps.groupby(["set", "object"], sort=False):
        row: dict[str, object] = {
            "object": f"{kind}, {'drawn' if where == 'object' else 'real, mask by colour rule'}",
            "images": group["image_id"].nunique(),
            "pixels covered": f"{group['covered'].mean():.0%}",
        }
        for name, title in MAP_TITLES.items():
            for column, label in (("auroc", "AUROC"), ("average_precision", "AP")):
                chosen = group[group["map"] == name]
                found = over_clusters(chosen, profile, np.mean, column)
                row[f"{label}, {title}"] = str(found.clipped(0, 1))
        rows.append(row)
    return pd.DataFrame(rows).set_index("object")


def dark_over_light(scores: pd.DataFrame, dataset: str, column: str) -> float:
    """Return the ratio of a column's means on dark and light skin, as a geometric mean of runs."""
    sides = (dataset, "dark"), (dataset, "light")
    return float(np.exp(per_run(scores, lambda rows: log_ratio(rows, column, *sides)).mean()))
