"""Arrays and tables of a run, written whole or not at all."""

from pathlib import Path

import numpy as np
import pandas as pd

from slugkit.errors import InputError
from slugkit.files import atomic_path

_MAY_BE_MISSING = ("fitzpatrick", "standard_error", "auroc", "average_precision")
_TYPES = {"fitzpatrick": "Int64", "file": "str", "object": "str", "group": "str", "pair": "str"}


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
