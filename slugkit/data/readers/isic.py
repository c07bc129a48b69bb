"""The dermoscopy images of the ISIC challenges and archive."""

from pathlib import Path

import pandas as pd

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
        objects = identifiers.map(tags.set_index("image_id")["artefact"]).fillna("")
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
    folder = find_folder("isic2018", root, "isic2018")
    sheet = find_sheet(folder, "isic_bias.csv")
    if not sheet.is_file():
        return _images_alone("isic2018", root)
    tags = read_csv("isic2018", sheet, ["image", *_ANNOTATED], separator=";")
    kinds = pd.Series("none", tags.index)
    for column, kind in _ANNOTATED.items():
        kinds = kinds.mask((tags[column] == 1) & (kinds == "none"), kind)
    by_image = dict(zip(tags["image"].map(lambda name: Path(name).stem), kinds, strict=True))
    table = _images_alone("isic2018", root)
    return table.assign(object=table["image_id"].map(by_image).fillna(""))


def isic2019(root: Path) -> pd.DataFrame:
    return _images_alone("isic2019", root)


def isic2020(root: Path) -> pd.DataFrame:
    return _images_alone("isic2020", root)


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
