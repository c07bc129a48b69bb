"""The dermoscopy images of the ISIC challenges and archive."""

from pathlib import Path

import pandas as pd

from slugkit.data.duplicates import merge_groups, published_pairs
from slugkit.data.readers.labels import unique_labels
from slugkit.data.readers.tables import (
    find_folder,
    find_sheet,
    image_files,
    index_table,
    present,
    read_csv,
)


def isic2017(root: Path) -> pd.DataFrame:
    name = "isic2017"
    folder = find_folder(name, root, "isic2017_256", "isic2017")
    files = image_files(folder)
    identifiers = pd.Series(list(files), dtype="str")
    objects: pd.Series | str = ""
    if (folder / "artefacts_seen.csv").is_file():
        tags = read_csv(name, folder / "artefacts_seen.csv", ["image_id", "artefact"])
        by_image = unique_labels(tags["image_id"], tags["artefact"], folder / "artefacts_seen.csv")
        objects = identifiers.map(by_image).fillna("")
    table = index_table(
        name,
        image_id=identifiers,
        file=identifiers,
        fitzpatrick=pd.Series(pd.NA, identifiers.index, dtype="Int64"),
        group=identifiers,
        object=objects,
    )
    return present(table, name, root, folder)


# Bissoto et al.'s columns and our names, the rarest first: an image gets one tag.
_ANNOTATED = {
    "patches": "patch",
    "ink": "ink",
    "gel_bubble": "gel",
    "gel_border": "gel",
    "dark_corner": "corner",
    "ruler": "ruler",
    "hair": "hair",
}


def isic2018(root: Path) -> pd.DataFrame:
    name = "isic2018"
    folder = find_folder(name, root, name)
    table = _images_alone(name, root)
    lesions = find_sheet(folder, "ISIC2018_Task3_Training_LesionGroupings.csv")
    if (folder / "ISIC2018_Task3_Training_Input").is_dir() or lesions.is_file():
        labels = read_csv(name, lesions, ["image", "lesion_id"])
        table = _grouped(table, labels["image"], labels["lesion_id"])
    sheet = find_sheet(folder, "isic_bias.csv")
    if not sheet.is_file():
        return table
    tags = read_csv(name, sheet, ["image", *_ANNOTATED], separator=";")
    kinds = pd.Series("none", tags.index)
    for column, kind in _ANNOTATED.items():
        kinds = kinds.mask((tags[column] == 1) & (kinds == "none"), kind)
    by_image = dict(zip(tags["image"].map(lambda name: Path(name).stem), kinds, strict=True))
    return table.assign(object=table["image_id"].map(by_image).fillna(""))


def isic2019(root: Path) -> pd.DataFrame:
    name = "isic2019"
    sheet = find_sheet(find_folder(name, root, name), "ISIC_2019_Training_Metadata.csv")
    labels = read_csv(name, sheet, ["image", "lesion_id"])
    return _grouped(_images_alone(name, root), labels["image"], labels["lesion_id"])


def isic2020(root: Path) -> pd.DataFrame:
    name = "isic2020"
    folder = find_folder(name, root, name)
    sheet = find_sheet(folder, "ISIC_2020_Training_GroundTruth_v2.csv")
    labels = read_csv(name, sheet, ["image_name", "patient_id"])
    table = _grouped(_images_alone(name, root), labels["image_name"], labels["patient_id"])
    listed = find_sheet(folder, "ISIC_2020_Training_Duplicates.csv")
    read_csv(name, listed, ["image_name_1", "image_name_2"])  # or says that it is missing
    return merge_groups(table, published_pairs(table, listed))


def milk10k(root: Path) -> pd.DataFrame:
    name = "milk10k"
    folder = find_folder(name, root, name)
    # Each lesion has two images. The skin tone of this table is not the Fitzpatrick type.
    sheet = find_sheet(folder, "MILK10k_Training_Metadata.csv")
    labels = read_csv(name, sheet, ["isic_id", "lesion_id"])
    table = index_table(
        name,
        image_id=labels["isic_id"],
        file=labels["isic_id"],
        fitzpatrick=pd.Series(pd.NA, labels.index, dtype="Int64"),
        group=labels["lesion_id"],
    )
    return present(table, name, root, folder)


def _images_alone(name: str, root: Path) -> pd.DataFrame:
    """Return the table of a folder of images without labels, each a group of its own."""
    folder = find_folder(name, root, name)
    identifiers = pd.Series(list(image_files(folder)), dtype="str")
    table = index_table(
        name,
        image_id=identifiers,
        file=identifiers,
        fitzpatrick=pd.Series(pd.NA, identifiers.index, dtype="Int64"),
        group=identifiers,
    )
    return present(table, name, root, folder)


def _grouped(table: pd.DataFrame, images: pd.Series, groups: pd.Series) -> pd.DataFrame:
    """Put the images of one patient or lesion into one group, by a published list.

    An image that the list leaves out, or has no group for, stays a group of its own.
    """
    known = pd.Series(groups.to_numpy(), index=images.to_numpy()).dropna().astype("str")
    known = known[known.str.strip() != ""]
    return table.assign(group=table["image_id"].map(known).fillna(table["image_id"]))
