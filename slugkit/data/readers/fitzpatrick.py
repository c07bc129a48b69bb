"""Fitzpatrick17k, and its cleaned list."""

from pathlib import Path

import pandas as pd

from slugkit.data.readers.labels import skin_types
from slugkit.data.readers.tables import (
    find_folder,
    find_sheet,
    index_table,
    present,
    read_csv,
)
from slugkit.errors import InputError

WRONG = "wrongly labelled, by the column qc"
CONTRADICTED = "a duplicate has the opposite skin type"


def fitzpatrick17k_labels(
    csv: str | Path, *, fitzpatrick_column: str = "fitzpatrick_scale"
) -> pd.DataFrame:
    """Return the index table of all 16,577 rows of Fitzpatrick17k, from its label file alone.

    The label -1 (unlabelled) becomes <NA>. Two columns are added: `origin`, the atlas that the
    image comes from, and `duplicate_group`.

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
    types = skin_types(labels[fitzpatrick_column], csv)
    return index_table(
        "fitzpatrick17k",
        image_id=labels["md5hash"],
        file="fitzpatrick17k/" + labels["md5hash"] + ".jpg",
        fitzpatrick=types,
        group=labels["md5hash"],
        origin=_origin(labels),
        duplicate_group=labels["md5hash"],
    )


def fitzpatrick17k(root: Path, fitzpatrick_column: str = "fitzpatrick_scale") -> pd.DataFrame:
    """Return the index table of the images in the folder, without those whose label is wrong.

    How many are left out, and why, is in `attrs["left_out"]` of the table. Where smaller copies
    are stored with an index.csv, patients and duplicates are taken from it.
    """
    name = "fitzpatrick17k"
    folder = find_folder(name, root, name)
    sheet = folder / "fitzpatrick17k.csv"
    table = fitzpatrick17k_labels(sheet, fitzpatrick_column=fitzpatrick_column)
    table = present(table, name, root, folder)
    absent = table.attrs["absent"]
    contradicted: set[str] = set()
    if (folder / "index.csv").is_file():
        columns = ["md5hash", "source", "duplicate_group", "patient_group", "conflicting_types"]
        copies = read_csv(name, folder / "index.csv", columns).set_index("md5hash")
        table = table[table["image_id"].isin(copies.index)].reset_index(drop=True)
        listed = copies.loc[table["image_id"]].reset_index(drop=True)
        table = table.assign(
            group=listed["patient_group"],
            origin=listed["source"],
            duplicate_group=listed["duplicate_group"],
        )
        contradicted = set(copies.index[copies["conflicting_types"] == 1])
    qc = read_csv(name, sheet, ["md5hash"]).reindex(columns=["md5hash", "qc"])
    wrong = set(qc["md5hash"][qc["qc"] == "3 Wrongly labelled"])
    reasons = pd.Series("", table.index)
    reasons = reasons.mask(table["image_id"].isin(contradicted), CONTRADICTED)
    reasons = reasons.mask(table["image_id"].isin(wrong), WRONG)
    kept = table[reasons == ""].reset_index(drop=True)
    kept.attrs["absent"] = absent
    kept.attrs["left_out"] = reasons[reasons != ""].value_counts().to_dict()
    return kept


def _origin(labels: pd.DataFrame) -> pd.Series:
    # Some rows have no url, but each has one from which all but letters and digits are taken.
    addresses = labels.reindex(columns=["url", "url_alphanum"]).astype("str")
    address = addresses["url"].fillna(addresses["url_alphanum"]).fillna("")
    atlas, dermaamin = (address.str.contains(name) for name in ("atlasdermatologico", "dermaamin"))
    return atlas.map({True: "atlas", False: ""}).mask(dermaamin, "dermaamin")


def fitzpatrick17k_c(root: Path) -> pd.DataFrame:
    name = "fitzpatrick17k_c"
    folder = find_folder(name, root, name)
    sheet = find_sheet(folder, "Fitzpatrick17k-C.csv")
    labels = read_csv(name, sheet, ["md5hash", "fst", "filename"])
    types = skin_types(labels["fst"], sheet)
    table = index_table(
        name,
        image_id=labels["md5hash"],
        file=labels["filename"],
        fitzpatrick=types,
        group=labels["md5hash"],
    )
    # Its own archive has other names than the md5 by which the images of Fitzpatrick17k go.
    names = {
        md5: Path(file).stem
        for md5, file in zip(labels["md5hash"], labels["filename"].astype("str"), strict=True)
    }
    both = [folder] + [root / "fitzpatrick17k"] * (root / "fitzpatrick17k").is_dir()
    return present(table, name, root, *both, other_names=names)
