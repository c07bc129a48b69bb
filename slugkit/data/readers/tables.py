"""Common to the readers of all data sets: finding files and labels, and the form of the table."""

import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from slugkit.data.acquire.manifests import Columns, load_manifest
from slugkit.data.readers.labels import skin_types
from slugkit.errors import InputError

COLUMNS = ["image_id", "source", "file", "fitzpatrick", "group", "object", "may_show"]
SUFFIXES = {".jpg", ".jpeg", ".png"}


def index_table(name: str, **columns: pd.Series | str) -> pd.DataFrame:
    """Return an index table, sorted: the columns of `COLUMNS`, then those that only this one has.

    See `sources.index`.
    """
    own = [column for column in columns if column not in COLUMNS]
    table = pd.DataFrame(columns).assign(source=name, may_show=load_manifest(name).may_show)
    if "object" not in table:
        table["object"] = ""
    # Whose patient is not known stays by itself.
    known = table["group"].notna() & (table["group"].astype("str").str.strip() != "")
    table["group"] = table["group"].astype("str").where(known, table["image_id"])
    table = table.drop_duplicates()
    twice = table["image_id"][table["image_id"].duplicated()]
    if len(twice):
        raise InputError(
            f"{name}: the label table has several rows for image {twice.iloc[0]!r}, which disagree "
            f"({len(twice)} such images): keep one row each"
        )
    return table[[*COLUMNS, *own]].sort_values("image_id", ignore_index=True)


def by_columns(name: str, root: Path, folders: list[str], columns: Columns) -> pd.DataFrame:
    """Return the index table of a data set whose table has one row per image."""
    folder = find_folder(name, root, *dict.fromkeys(folders))
    wanted = [columns.image_id, columns.group]
    wanted += [columns.fitzpatrick] if columns.fitzpatrick else []
    sheet = find_sheet(folder, *columns.tables)
    labels = read_csv(name, sheet, wanted)
    names = labels[columns.image_id]
    types = pd.Series(pd.NA, labels.index, dtype="Int64")
    if columns.fitzpatrick:
        types = skin_types(labels[columns.fitzpatrick], sheet)
    table = index_table(
        name,
        image_id=names.str.replace(r"\.(jpe?g|png)$", "", case=False, regex=True),
        file=names,
        fitzpatrick=types,
        group=labels[columns.group],
    )
    return present(table, name, root, folder)


def present(
    table: pd.DataFrame,
    name: str,
    root: Path,
    *folders: Path,
    other_names: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Keep the rows whose image is in a folder, and fill in its path.

    A file goes by its image_id or, where given, by that image's other name, in whatever case. How
    many images of the table are not there is in `attrs["absent"]`.
    """
    files = {stem: path for folder in folders for stem, path in image_files(folder).items()}
    in_any_case = {stem.casefold(): path for stem, path in files.items()}

    def path_of(name: str) -> Path | None:
        other = str(other_names.get(name, name)) if other_names is not None else name
        return files.get(name) or files.get(other) or in_any_case.get(name.casefold())

    found = pd.Series([path_of(name) for name in table["image_id"]], table.index, dtype="object")
    if not found.notna().any():
        places = " or ".join(map(str, folders))
        raise InputError(f"{name}: no images in {places}; {remedy(name)}")
    paths = found.dropna().map(lambda path: path.relative_to(root).as_posix())
    there = table.loc[paths.index].assign(file=paths.astype("str")).reset_index(drop=True)
    there.attrs["absent"] = len(table) - len(there)
    return there


def image_files(folder: Path) -> dict[str, Path]:
    """Return the image files anywhere in a folder by their names without ending."""
    return {
        path.stem: path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUFFIXES
        and not re.search("mask|superpixel", path.name)
        # Half-unpacked archives, and what a Mac adds to one.
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def find_sheet(folder: Path, *names: str) -> Path:
    """Return the first of the tables that is anywhere in the folder."""
    for name in names:
        if found := sorted(folder.rglob(name)):
            return found[0]
    return folder / names[-1]


def find_folder(name: str, root: Path, *candidates: str) -> Path:
    """Return the first of the folders that is there."""
    for candidate in candidates:
        if (root / candidate).is_dir():
            return root / candidate
    raise InputError(f"{name}: no folder {' or '.join(candidates)} under {root}; {remedy(name)}")


def read_csv(name: str, path: Path, columns: list[str], *, separator: str = ",") -> pd.DataFrame:
    """Return a table with at least these columns; the first of them is read as text."""
    if not path.is_file():
        raise InputError(f"{name}: {path} is missing; {remedy(name)}")
    try:
        table = pd.read_csv(path, sep=separator, dtype=dict.fromkeys(columns[:1], "str"))
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a readable table ({error}); fetch it again") from error
    missing = [column for column in columns if column not in table]
    if missing:
        raise InputError(f"{path}: no column {', '.join(missing)}; fetch the file again")
    return table


def remedy(name: str) -> str:
    """Say where to read what is expected."""
    return f"see `slugkit data show {name}` for what is expected and how to get it"
