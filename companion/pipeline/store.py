"""Arrays and tables of a run, written whole or not at all, and arrays of images by identifier."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from slugkit.errors import InputError
from slugkit.files import atomic_path

_MAY_BE_MISSING = ("fitzpatrick", "standard_error", "own_error", "auroc", "average_precision")
_TEXT = ("file", "object", "group", "pair", "origin", "duplicate_group")
_TYPES = {"fitzpatrick": "Int64", **dict.fromkeys(_TEXT, "str")}


@dataclass(frozen=True)
class Images:
    """An array with one entry for each image of a table, found by the image's identifier."""

    identifiers: pd.Index
    array: np.ndarray  # (n, ...), as it is in the file

    @classmethod
    def of(cls, table: pd.DataFrame, array: np.ndarray) -> "Images":
        """Return the array of a table's images, which both have in one order.

        Raises
        ------
        InputError
            Their numbers differ, or an identifier occurs twice.
        """
        identifiers = pd.Index(table["image_id"])
        if len(identifiers) != len(array) or identifiers.has_duplicates:
            raise InputError(
                f"{len(array)} images do not belong to a table of {identifiers.nunique()}: delete "
                "the run and make it again"
            )
        return cls(identifiers, array)

    def __getitem__(self, identifiers: Iterable[str]) -> np.ndarray:
        """Return the entries of some images, in their order.

        >>> images = Images(pd.Index(["a", "b"]), np.array([[1], [2]]))
        >>> images[["b", "a"]].tolist()
        [[2], [1]]
        """
        wanted = pd.Index(list(identifiers))
        places = self.identifiers.get_indexer(wanted)
        if (places < 0).any():
            raise InputError(f"there is no image {wanted[int(np.argmin(places))]!r} in this run")
        return self.array[places]

    def one(self, identifier: str) -> np.ndarray:
        """Return the entry of one image."""
        return self[[identifier]][0]


def save_array(path: Path, array: np.ndarray) -> None:
    """Write one array as .npy."""
    with atomic_path(path) as partial, partial.open("wb") as stream:
        np.save(stream, array, allow_pickle=False)


def load_array(path: Path) -> np.ndarray:
    """Read one array, mapped into memory."""
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}): delete it and run again") from None


def save_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV."""
    with atomic_path(path) as partial:
        table.to_csv(partial, index=False)


def load_table(path: Path) -> pd.DataFrame:
    """Read a table; empty strings stay strings, and some numbers may be missing."""
    try:
        # Only some numbers have missing values; for text, "" means "not known".
        return pd.read_csv(
            path,
            keep_default_na=False,
            na_values={column: [""] for column in _MAY_BE_MISSING},
            dtype=_TYPES,
        )
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}): delete it and run again") from None
