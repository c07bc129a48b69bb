"""The table of comparisons as it is kept in results/: a fifth of its size, one row per image."""

import pandas as pd

from companion.config import MIXED
from companion.experiments.baselines.analysis import skin_scores
from companion.run import Run

KEYS = ["image_id", "source", "object", "set", "seed"]
VALUES = ["score", "own_error", "auroc", "average_precision"]


def compact(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per image with columns such as "score:slug"; standard errors are left out."""
    known = [name for name in VALUES if name in table]
    wide = table.pivot_table(
        index=KEYS, columns="baseline", values=known, aggfunc="first", sort=False
    )
    wide.columns = wide.columns.map(":".join)
    return wide.reset_index()


def expand(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per image and baseline, the inverse of `compact`."""
    long = table.melt(KEYS)
    # A map that is missing for an image is an empty cell, which load_table leaves a string.
    long["value"] = pd.to_numeric(long["value"])
    long[["quantity", "baseline"]] = long["variable"].str.split(":", n=1, expand=True).to_numpy()
    rows = long.pivot_table(
        index=[*KEYS, "baseline"], columns="quantity", values="value", aggfunc="first", sort=False
    )
    return rows.rename_axis(columns=None).reset_index()


def comparisons(run: Run) -> pd.DataFrame:
    """Return the comparisons of a run, or of a recorded one: one row per image and baseline."""
    table = run.table("comparisons")
    return table if "baseline" in table else expand(table.drop(columns="dataset"))


def seconds(run: Run) -> dict[str, list[float]]:
    """Return how long each baseline took under each seed."""
    taken = [record["seconds"] for record in run.records("comparisons")]
    return {name: [one[name] for one in taken] for name in taken[0]}


def patients(run: Run) -> dict[str, str]:
    """Return the patient of each test image, by its identifier."""
    scores = run.table("scores")
    return dict(zip(scores["image_id"], scores["group"], strict=True))


def wide_with_groups(run: Run) -> pd.DataFrame:
    """Return one row per (seed, skin image), a column for each baseline, with set and group."""
    wide = skin_scores(comparisons(run))
    scores = run.table("scores")
    groups = scores[scores["dataset"] == MIXED][["seed", "image_id", "group"]]
    return wide.merge(groups, on=["seed", "image_id"])
