"""Readers: from the folder of one data set to its index table.

A manifest names its reader, or the columns of a plain table, so that a new data set edits no other
file.
"""

import importlib
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from slugkit.data.acquire.manifests import list_manifests, load_manifest
from slugkit.data.readers.tables import by_columns
from slugkit.errors import InputError


def reader_of(name: str) -> Callable[..., pd.DataFrame]:
    """Return the function from the data root to the index table of a data set.

    Raises
    ------
    InputError
        There is no such data set, or its manifest names no reader.
    """
    manifest = load_manifest(name)
    if manifest.columns is not None:
        columns, folders = manifest.columns, [layout.folder for layout in manifest.layouts]
        return lambda root: by_columns(name, Path(root), folders, columns)
    if not manifest.reader:
        known = [one for one in list_manifests() if has_reader(one)]
        raise InputError(
            f"data set {name!r} cannot be read yet; choose from {', '.join(known)}, or give its "
            "manifest `columns` or a `reader`"
        )
    module, _, function = manifest.reader.partition(":")
    return getattr(importlib.import_module(f"{__name__}.{module}"), function)


def has_reader(name: str) -> bool:
    """Whether the images of a data set can be read."""
    manifest = load_manifest(name)
    return manifest.columns is not None or bool(manifest.reader)
