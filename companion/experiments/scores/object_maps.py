"""The pixel maps of single images, and which images are shown with them."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from companion.config import MIXED
from companion.experiments.scores.object_maps_step import compared
from companion.run import Run


def scored(run: Run, seed: int) -> pd.DataFrame:
    """Return the scores of all test images by the network of data set B."""
    table = run.table("scores")
    return table[(table["seed"] == seed) & (table["dataset"] == MIXED)]


def load_maps(run: Run, seed: int, identifiers: Iterable[str]) -> dict[str, np.ndarray]:
    """Return what the maps of some test images show, and the maps.

    Images, reconstructions and the maps whose names end in `_rgb` are (n, H, W, 3), the other maps
    (n, H, W), summed over channels.
    """
    identifiers = list(identifiers)
    images = run.images("test", seed)[identifiers]
    reconstructions = run.images("reconstruction", seed, MIXED)[identifiers]
    variance = run.images("uncertainty", seed, MIXED)[identifiers]
    return {
        "image": images,
        "reconstruction": reconstructions,
        **compared(images, reconstructions, variance),
        "squared_error_rgb": (images - reconstructions) ** 2,
        "slug_rgb": variance,
    }


def examples(run: Run, count: int = 4) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Return `count` images with foreign objects of the first seed: their maps and their rows.

    The first image of each kind is taken, ruler, ink and patch first; none is picked by how well
    its map looks.
    """
    seed = run.profile.seeds[0]
    table = scored(run, seed)
    table = table[table["set"] == "object"].drop_duplicates("object")
    first = table["object"].map({"ruler": 0, "ink": 1, "patch": 2}).fillna(3)
    rows = table.assign(order=first).sort_values("order", kind="stable").head(count)
    return load_maps(run, seed, rows["image_id"]), rows


def at_a_glance(run: Run) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Return the first light, the first dark and the first image with a foreign object.

    They are those of the first seed, in the order of the test table: none is picked by its maps.
    """
    seed = run.profile.seeds[0]
    table = scored(run, seed)
    rows = table[table["set"].isin(("light", "dark", "object"))].drop_duplicates("set")
    return load_maps(run, seed, rows["image_id"]), rows
