"""What is there of each data set, what is missing, and what is wrong with it."""

import pandas as pd

from companion.config import Profile
from companion.paths import decoded_folder
from companion.statistics.summaries import SKIN_TYPE_NUMERALS, skin_types
from slugkit.data.acquire.manifests import load_manifest
from slugkit.data.duplicates import label_conflicts
from slugkit.data.prepare import Prepared, open_prepared


def pool_report(profile: Profile) -> pd.DataFrame:
    """Return one column per real data set of a profile: what it holds, lacks and repeats.

    Raises
    ------
    InputError
        A data set has not been decoded yet.
    """
    size = profile.data.image_size
    columns = {
        load_manifest(name).title: describe(
            open_prepared(decoded_folder(name, size)), load_manifest(name).images
        )
        for name in profile.data.real_sources()
    }
    return pd.DataFrame(columns)


def describe(prepared: Prepared, published: int | str) -> dict[str, int | str]:
    """Return the counts of one decoded data set.

    Parameters
    ----------
    prepared
        The decoded images with their index table.
    published
        How many images the data set has as published, or "unknown".
    """
    table, unreadable = prepared.table, len(prepared.failures)
    left_out = sum(prepared.left_out.values())
    absent = (
        published - len(table) - unreadable - left_out if isinstance(published, int) else "unknown"
    )
    types = table["fitzpatrick"]
    return {
        "images as published": published,
        "absent here": absent,
        "unreadable": unreadable,
        "left out for their labels": left_out,
        "images at hand": len(table),
        "pairs of near-duplicates": len(prepared.duplicates),
        "images in groups of several": int(table["group"].duplicated(keep=False).sum()),
        "images whose group has several skin types": len(label_conflicts(table)),
        **{skin_types((t,)): int((types == t).sum()) for t in range(1, 7)},
        "skin type unknown": int(types.isna().sum()),
    }


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
