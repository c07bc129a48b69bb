"""What is there of each data set, what is missing, and what is wrong with it."""

import pandas as pd

from slugkit.companion.paths import decoded_folder
from slugkit.companion.profile import Profile
from slugkit.companion.summaries import skin_types
from slugkit.data.duplicates import label_conflicts
from slugkit.data.manifests import load_manifest
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
