"""Images whose lesion is known to the pixel: generated, or outlined by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from slugkit.data.images import read_image
from slugkit.data.sources import index
from slugkit.data.synthesis.synthetic import generate, lesion_masks

# The reduced copy of ISIC 2017 with outlines; the rest of that data set has none here.
OUTLINED = "isic2017_512_masks"

Lesions = tuple[list[str], NDArray[np.float32], NDArray[np.bool_]]


def synthetic_lesions(count: int, size: int, seed: int, fitzpatrick: int) -> Lesions:
    """Return identifiers, images (n, size, size, 3) and masks of generated skin with lesions.

    Of `count` images those without a lesion are left out, so n is a little smaller.
    """
    masks = lesion_masks(count, size, seed)
    kept = np.flatnonzero(masks.any(axis=(1, 2)))
    images = generate([fitzpatrick] * count, size, seed)
    return [f"synthetic{seed}-{i:05d}" for i in kept], images[kept], masks[kept]


def outlined_lesions(root: Path, count: int, size: int, seed: int) -> Lesions:
    """Return the same for `count` images of ISIC 2017, outlined by experts.

    Those tagged as showing a foreign object are left out. Without the outlines under the data root,
    there is nothing to return.
    """
    folder = root / OUTLINED
    if not (folder / "index.csv").is_file():
        return [], np.zeros((0, size, size, 3), np.float32), np.zeros((0, size, size), bool)
    table = pd.read_csv(folder / "index.csv")
    tags = index("isic2017", root).set_index("image_id")["object"]
    table = table[table["image_id"].map(tags).isin(["", "none"])]
    table = table.sample(min(count, len(table)), random_state=seed)
    images = np.stack([read_image(folder / name, size) for name in table["file"]])
    outlines = np.stack([read_image(folder / name, size) for name in table["mask"]])
    masks = outlines.mean(axis=-1) >= 0.5
    kept = np.flatnonzero(masks.any(axis=(1, 2)))
    return [str(table["image_id"].iloc[i]) for i in kept], images[kept], masks[kept]
