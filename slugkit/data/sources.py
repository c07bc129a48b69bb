"""From the folder of a data set to its index table, and from an index table to arrays."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from slugkit.data.images import read_image
from slugkit.data.manifests import load_manifest
from slugkit.errors import InputError

COLUMNS = ["image_id", "source", "file", "fitzpatrick", "group", "object", "may_show"]
SUFFIXES = {".jpg", ".jpeg", ".png"}
READERS = 2


def index(
    name: str, root: str | Path, *, fitzpatrick_column: str = "fitzpatrick_scale"
) -> pd.DataFrame:
    """Return the index table of a data set that lies under the data root.

    Parameters
    ----------
    name
        pad_ufes_20, isic2017, ham10000, fitzpatrick17k or passion.
    root
        The data root: the folder that holds one folder per data set.
    fitzpatrick_column
        For fitzpatrick17k, the label to use: fitzpatrick_scale or fitzpatrick_centaur.

    Returns
    -------
    DataFrame
        One row per image that is present, sorted by image_id, with the columns image_id, source,
        file (relative to the root), fitzpatrick (Int64, <NA> if unknown), group (patient, lesion
        or image: images of one group stay on one side of a split), object ("none", "ruler", ...,
        or "" if unknown) and may_show.

    Raises
    ------
    InputError
        The root, the folder, its tables or all of its images are missing, or a column is.
    """
    if name not in _READERS:
        raise InputError(f"no loader for data set {name!r}; choose from {', '.join(_READERS)}")
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"data root {root} is not a folder; give the folder of the data sets")
    if name == "fitzpatrick17k":
        table = _fitzpatrick17k(root, fitzpatrick_column)
    else:
        table = _READERS[name](root)
    if table.empty:
        raise InputError(f"{name}: no images found under {root}; {_remedy(name)}")
    return table


def load(table: pd.DataFrame, root: str | Path, size: int) -> NDArray[np.float32]:
    """Read the images of an index table, in its order.

    Parameters
    ----------
    table
        Index table; only the column file is used.
    root
        The data root.
    size
        Side of the square images, in pixels.

    Returns
    -------
    ndarray
        Shape (n, size, size, 3), float32, values in [0, 1].

    Raises
    ------
    InputError
        An image cannot be read (see `images.read_image`), or a row has no file.
    """
    if (table["file"] == "").any():
        raise InputError("the index table has rows without a file: generated images are not read")
    images = np.empty((len(table), size, size, 3), np.float32)
    with ThreadPoolExecutor(READERS) as pool:
        paths = (Path(root) / file for file in table["file"])
        for row, image in enumerate(pool.map(lambda path: read_image(path, size), paths)):
            images[row] = image
    return images


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
    labels = _read_csv("fitzpatrick17k", Path(csv), ["md5hash", fitzpatrick_column])
    types = labels[fitzpatrick_column].astype("Int64")
    return _table(
        "fitzpatrick17k",
        image_id=labels["md5hash"],
        file="fitzpatrick17k/" + labels["md5hash"] + ".jpg",
        fitzpatrick=types.mask(types == -1),
        group=labels["md5hash"],
    )


def _fitzpatrick17k(root: Path, fitzpatrick_column: str = "fitzpatrick_scale") -> pd.DataFrame:
    folder = _folder("fitzpatrick17k", root, "fitzpatrick17k")
    table = fitzpatrick17k_labels(
        folder / "fitzpatrick17k.csv", fitzpatrick_column=fitzpatrick_column
    )
    return _present(table, "fitzpatrick17k", root, folder)


def _pad_ufes_20(root: Path) -> pd.DataFrame:
    name = "pad_ufes_20"
    folder = _folder(name, root, "pad_ufes_20", "pad_ufes_20_subset")
    # The reduced copy has its own index; the full data set has metadata.csv.
    sheet = _sheet(folder, "index.csv", "metadata.csv")
    labels = _read_csv(name, sheet, ["img_id", "fitspatrick", "patient_id"])
    table = _table(
        name,
        image_id=labels["img_id"].str.removesuffix(".png"),
        file=labels["img_id"],
        fitzpatrick=labels["fitspatrick"].astype("Int64"),
        group=labels["patient_id"],
    )
    return _present(table, name, root, folder)


def _isic2017(root: Path) -> pd.DataFrame:
    name = "isic2017"
    folder = _folder(name, root, "isic2017_256", "isic2017")
    files = _image_files(folder)
    identifiers = pd.Series(list(files), dtype="str")
    objects: pd.Series | str = ""
    if (folder / "artefacts_seen.csv").is_file():
        tags = _read_csv(name, folder / "artefacts_seen.csv", ["image_id", "artefact"])
        objects = identifiers.map(tags.set_index("image_id")["artefact"]).fillna("")
    table = _table(
        name,
        image_id=identifiers,
        file=identifiers,
        fitzpatrick=pd.Series(pd.NA, identifiers.index, dtype="Int64"),
        group=identifiers,
        object=objects,
    )
    return _present(table, name, root, folder)


def _ham10000(root: Path) -> pd.DataFrame:
    name = "ham10000"
    folder = _folder(name, root, "ham10000_224", "ham10000")
    sheet = _sheet(folder, "index.csv", "HAM10000_metadata.csv")
    labels = _read_csv(name, sheet, ["image_id", "lesion_id"])
    table = _table(
        name,
        image_id=labels["image_id"],
        file=labels["image_id"],
        fitzpatrick=pd.Series(pd.NA, labels.index, dtype="Int64"),
        group=labels["lesion_id"],
    )
    return _present(table, name, root, folder)


def _passion(root: Path) -> pd.DataFrame:
    name = "passion"
    folder = _folder(name, root, "passion", "PASSION", "data/PASSION")
    labels = _read_csv(name, folder / "label.csv", ["subject_id", "fitzpatrick"])
    identifiers = pd.Series(list(_image_files(folder)), dtype="str")
    subjects = identifiers.str.extract(r"^([A-Za-z]+[0-9]+)", expand=False)
    types = subjects.map(
        labels.drop_duplicates("subject_id").set_index("subject_id")["fitzpatrick"]
    )
    # The data set covers FST 3 to 6; other values are entry errors or too rare to use.
    kept = types.isin([3, 4, 5, 6])
    table = _table(
        name,
        image_id=identifiers[kept],
        file=identifiers[kept],
        fitzpatrick=types[kept].astype("Int64"),
        group=subjects[kept],
    )
    return _present(table, name, root, folder)


_READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "pad_ufes_20": _pad_ufes_20,
    "isic2017": _isic2017,
    "ham10000": _ham10000,
    "fitzpatrick17k": _fitzpatrick17k,
    "passion": _passion,
}


def _table(name: str, **columns: pd.Series | str) -> pd.DataFrame:
    table = pd.DataFrame(columns).assign(source=name, may_show=load_manifest(name).may_show)
    if "object" not in table:
        table["object"] = ""
    outside = table["fitzpatrick"].dropna()
    outside = outside[~outside.between(1, 6)]
    if len(outside):
        raise InputError(
            f"{name}: {len(outside)} skin types outside 1..6, such as {outside.iloc[0]} for "
            f"{table.loc[outside.index[0], 'image_id']}; correct the label file"
        )
    return table[COLUMNS].sort_values("image_id", ignore_index=True)


def _present(table: pd.DataFrame, name: str, root: Path, folder: Path) -> pd.DataFrame:
    """Keep the rows whose image is there, and fill in where it lies."""
    files = _image_files(folder)
    found = table["image_id"].map(files)
    if not found.notna().any():
        raise InputError(f"{name}: no images in {folder}; {_remedy(name)}")
    paths = found.dropna().map(lambda path: path.relative_to(root).as_posix())
    return table.loc[paths.index].assign(file=paths.astype("str")).reset_index(drop=True)


def _image_files(folder: Path) -> dict[str, Path]:
    """Return the image files anywhere in a folder by their names without ending."""
    return {
        path.stem: path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUFFIXES
        and not re.search("mask|superpixel", path.name)
        # Half-unpacked archives, and what a Mac adds to one.
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def _sheet(folder: Path, *names: str) -> Path:
    """Return the first of the tables that is anywhere in the folder."""
    for name in names:
        if found := sorted(folder.rglob(name)):
            return found[0]
    return folder / names[-1]


def _folder(name: str, root: Path, *candidates: str) -> Path:
    for candidate in candidates:
        if (root / candidate).is_dir():
            return root / candidate
    raise InputError(f"{name}: no folder {' or '.join(candidates)} under {root}; {_remedy(name)}")


def _read_csv(name: str, path: Path, columns: list[str]) -> pd.DataFrame:
    if not path.is_file():
        raise InputError(f"{name}: {path} is missing; {_remedy(name)}")
    try:
        table = pd.read_csv(path, dtype=dict.fromkeys(columns[:1], "str"))
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a readable table ({error}); fetch it again") from error
    missing = [column for column in columns if column not in table]
    if missing:
        raise InputError(f"{path}: no column {', '.join(missing)}; fetch the file again")
    return table


def _remedy(name: str) -> str:
    return f"see `slugkit data show {name}` for what is expected and how to get it"
