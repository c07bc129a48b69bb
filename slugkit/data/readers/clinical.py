"""Clinical photographs whose tables need more than their columns read."""

from pathlib import Path

import pandas as pd

from slugkit.data.readers.labels import skin_types, unique_labels
from slugkit.data.readers.tables import (
    find_folder,
    find_sheet,
    image_files,
    index_table,
    present,
    read_csv,
)


def passion(root: Path) -> pd.DataFrame:
    name = "passion"
    folder = find_folder(name, root, "passion", "PASSION", "data/PASSION")
    labels = read_csv(name, folder / "label.csv", ["subject_id", "fitzpatrick"])
    identifiers = pd.Series(list(image_files(folder)), dtype="str")
    subjects = identifiers.str.extract(r"^([A-Za-z]+[0-9]+)", expand=False)
    by_subject = unique_labels(
        labels["subject_id"].str.casefold(),
        skin_types(labels["fitzpatrick"], folder / "label.csv"),
        folder / "label.csv",
    )
    types = subjects.str.casefold().map(by_subject)
    # The data set covers FST 3 to 6; other values are entry errors or too rare to use.
    kept = types.isin([3, 4, 5, 6])
    table = index_table(
        name,
        image_id=identifiers[kept],
        file=identifiers[kept],
        fitzpatrick=types[kept].astype("Int64"),
        group=subjects[kept],
    )
    return present(table, name, root, folder)


def scin(root: Path) -> pd.DataFrame:
    name = "scin"
    folder = find_folder(name, root, "scin")
    columns = ["case_id", "image_1_path", "image_2_path", "image_3_path"]
    cases = read_csv(name, find_sheet(folder, "scin_cases.csv"), columns)
    if "fitzpatrick_skin_type" not in cases:
        sheet = find_sheet(folder, "scin_labels.csv")
        labels = read_csv(name, sheet, ["case_id", "fitzpatrick_skin_type"])
        cases = cases.merge(labels[["case_id", "fitzpatrick_skin_type"]], on="case_id", how="left")
    # Whatever does not say FST1 to FST6, such as an empty cell, is unlabelled.
    types = cases["fitzpatrick_skin_type"].astype("str").str.extract(r"^FST([1-6])$", expand=False)
    images = cases.assign(fitzpatrick=types.astype("Int64")).melt(
        ["case_id", "fitzpatrick"], columns[1:], value_name="path"
    )
    images = images[images["path"].notna()].reset_index(drop=True)
    identifiers = images["path"].map(lambda path: Path(path).stem).astype("str")
    table = index_table(
        name,
        image_id=identifiers,
        file=images["path"],
        fitzpatrick=images["fitzpatrick"],
        group=images["case_id"],
    )
    return present(table, name, root, folder)


def ddi(root: Path) -> pd.DataFrame:
    name = "ddi"
    folder = find_folder(name, root, "ddi")
    labels = read_csv(name, find_sheet(folder, "ddi_metadata.csv"), ["DDI_file", "skin_tone"])
    identifiers = labels["DDI_file"].str.removesuffix(".png")
    table = index_table(
        name,
        image_id=identifiers,
        file=labels["DDI_file"],
        # Skin types are known in pairs, 12, 34 or 56: the lower one stands for both.
        fitzpatrick=labels["skin_tone"].astype("Int64") // 10,
        group=identifiers,
    )
    return present(table, name, root, folder)
