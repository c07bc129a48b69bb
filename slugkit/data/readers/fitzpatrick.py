"""Fitzpatrick17k, and its cleaned list."""

from pathlib import Path

import pandas as pd

from slugkit.data.readers.tables import (
    find_folder,
    find_sheet,
    index_table,
    present,
    read_csv,
)
from slugkit.errors import InputError


def fitzpatrick17k_labels(
    csv: str | Path, *, fitzpatrick_column: str = "fitzpatrick_scale"
) -> pd.DataFrame:
    """Return the index table of all 16,577 rows of Fitzpatrick17k, from its label file alone.

    The label -1 (unlabelled) becomes <NA>.

    Raises
    ------
    InputError
        The file or a column is missing, or a label is outside -1, 1..6.
    """
    if fitzpatrick_column not in ("fitzpatrick_scale", "fitzpatrick_centaur"):
        raise InputError(
            f"no label column {fitzpatrick_column!r} in Fitzpatrick17k; "
            "choose fitzpatrick_scale or fitzpatrick_centaur"
        )
    labels = read_csv("fitzpatrick17k", Path(csv), ["md5hash", fitzpatrick_column])
    types = labels[fitzpatrick_column].astype("Int64")
    return index_table(
        "fitzpatrick17k",
        image_id=labels["md5hash"],
        file="fitzpatrick17k/" + labels["md5hash"] + ".jpg",
        fitzpatrick=types.mask(types == -1),
        group=labels["md5hash"],
    )


def fitzpatrick17k(root: Path, fitzpatrick_column: str = "fitzpatrick_scale") -> pd.DataFrame:
    folder = find_folder("fitzpatrick17k", root, "fitzpatrick17k")
    table = fitzpatrick17k_labels(
        folder / "fitzpatrick17k.csv", fitzpatrick_column=fitzpatrick_column
    )
    return present(table, "fitzpatrick17k", root, folder)


def fitzpatrick17k_c(root: Path) -> pd.DataFrame:
    name = "fitzpatrick17k_c"
    folder = find_folder(name, root, name)
    sheet = find_sheet(folder, "Fitzpatrick17k-C.csv")
    labels = read_csv(name, sheet, ["md5hash", "fst", "filename"])
    types = pd.to_numeric(labels["fst"]).astype("Int64")
    table = index_table(
        name,
        image_id=labels["md5hash"],
        file=labels["filename"],
        fitzpatrick=types.mask(types == -1),
        group=labels["md5hash"],
    )
    # Its own archive has other names than the md5 by which the images of Fitzpatrick17k go.
    names = {
        md5: Path(file).stem
        for md5, file in zip(labels["md5hash"], labels["filename"].astype("str"), strict=True)
    }
    both = [folder] + [root / "fitzpatrick17k"] * (root / "fitzpatrick17k").is_dir()
    return present(table, name, root, *both, other_names=names)
