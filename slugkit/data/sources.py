"""From the folder of a data set to its index table, and from an index table to arrays."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from slugkit.data.images import read_image
from slugkit.data.readers import reader_of
from slugkit.data.readers.tables import remedy
from slugkit.errors import InputError

# Threads that decode images.
THREADS = 2


def index(name: str, root: str | Path, *, fitzpatrick_column: str | None = None) -> pd.DataFrame:
    """Return the index table of a data set under the data root.

    Parameters
    ----------
    name
        One that has a manifest, such as pad_ufes_20 or fitzpatrick17k.
    root
        The data root: the folder that holds one folder per data set.
    fitzpatrick_column
        For fitzpatrick17k, the label to use instead of fitzpatrick_scale: fitzpatrick_centaur.

    Returns
    -------
    DataFrame
        One row per image that is present, sorted by image_id, with the columns image_id, source,
        file (relative to the root), fitzpatrick (Int64, <NA> if unknown), group (patient, lesion
        or image: images of one group stay on one side of a split), object ("none", "ruler", ...,
        or "" if unknown) and may_show. fitzpatrick17k adds origin (the atlas) and duplicate_group.
        `attrs["left_out"]` counts the images that are present but not used, by reason.

    Raises
    ------
    InputError
        The root, the folder, its tables or all of its images are missing, or a column is.
    """
    read = reader_of(name)
    root = Path(root)
    if not root.is_dir():
        raise InputError(f"data root {root} is not a folder; give the folder of the data sets")
    table = read(root) if fitzpatrick_column is None else read(root, fitzpatrick_column)
    if table.empty:
        raise InputError(f"{name}: no images found under {root}; {remedy(name)}")
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
    with ThreadPoolExecutor(THREADS) as pool:
        paths = (Path(root) / file for file in table["file"])
        for row, image in enumerate(pool.map(lambda path: read_image(path, size), paths)):
            images[row] = image
    return images
