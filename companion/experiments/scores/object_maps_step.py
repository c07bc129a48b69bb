"""How well the pixel maps find foreign objects, image by image."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from companion.statistics.metrics import (
    inside_outside_ratio,
    pixel_auroc,
    pixel_average_precision,
)
from slugkit.baselines.trivial import edge_energy

if TYPE_CHECKING:
    from companion.pipeline.jobs import Job

ABOUT = ["image_id", "source", "group", "set", "object"]
FOUND = ["map", "auroc", "average_precision", "ratio", "covered"]


def run(job: "Job", facts: dict[str, Any]) -> None:
    """Write object_maps.csv, one row per map of each image that has a mask; see `found_by`.

    Images come from the sets "object" (drawn objects, exact masks) and "tagged" (real ones, masks
    by a colour rule).
    """
    table, masks = job.read_table("scores.csv"), job.read_images("data/masks.npy", "data/test.csv")
    table = table[[bool(mask.any()) for mask in masks[table["image_id"]]]]
    names = table["image_id"]
    images = job.read_images("data/test.npy", "data/test.csv")[names]
    made = job.read_images("reconstruction.npy", "scores.csv")[names]
    maps = compared(images, made, job.read_images("uncertainty.npy", "scores.csv")[names])
    rows = [
        about | found_by(name, map_[place], mask)
        for place, (about, mask) in enumerate(
            zip(table[ABOUT].to_dict("records"), masks[names], strict=True)
        )
        for name, map_ in maps.items()
    ]
    job.save_table("object_maps.csv", pd.DataFrame(rows, columns=ABOUT + FOUND))


def compared(images: NDArray, reconstructions: NDArray, variances: NDArray) -> dict[str, NDArray]:
    """Return the maps that are compared with each other, (n, H, W), of arrays (n, H, W, 3)."""
    return {
        "slug": variances.sum(axis=-1),
        "squared_error": ((images - reconstructions) ** 2).sum(axis=-1),
        "edge_energy": edge_energy(images),
    }


def found_by(name: str, map_: NDArray, mask: NDArray[np.bool_]) -> dict[str, str | float]:
    """Return how well one map finds the object under a mask.

    `auroc` and `average_precision` are of the map against the mask, `ratio` is the mean of the map
    inside the mask over the mean outside, and `covered` the share of the pixels inside.

    >>> found_by("slug", np.array([[3.0, 1.0], [1.0, 1.0]]), np.array([[True, False], [False] * 2]))
    {'map': 'slug', 'auroc': 1.0, 'average_precision': 1.0, 'ratio': 3.0, 'covered': 0.25}
    """
    return {
        "map": name,
        "auroc": pixel_auroc(map_, mask),
        "average_precision": pixel_average_precision(map_, mask),
        "ratio": inside_outside_ratio(map_, mask),
        "covered": float(mask.mean()),
    }
