"""How well the pixel maps find foreign objects, image by image."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from companion.config import MIXED
from companion.run import Run
from companion.statistics.metrics import (
    inside_outside_ratio,
    pixel_auroc,
    pixel_average_precision,
)
from slugkit.baselines.trivial import edge_energy

MAPS = ("slug", "squared_error", "edge_energy")


def measure(run: Run) -> pd.DataFrame:
    """Return one row per image with a mask and per map: AUROC, average precision, ratio.

    `ratio` is the mean of the map inside the mask over the mean outside. Images come from the
    sets "object" (drawn objects, exact masks) and "tagged" (real ones, masks by a colour rule).
    """
    rows = []
    for seed in run.profile.seeds:
        masks, table = run.images("masks", seed), scored(run, seed)
        table = table[[bool(mask.any()) for mask in masks[table["image_id"]]]]
        maps = load_maps(run, seed, table["image_id"])
        for place, (_, image) in enumerate(table.iterrows()):
            mask = masks.one(image["image_id"])
            for name in MAPS:
                rows.append(
                    {
                        "seed": seed,
                        "image_id": image["image_id"],
                        "group": image["group"],
                        "set": image["set"],
                        "object": image["object"],
                        "map": name,
                        "auroc": pixel_auroc(maps[name][place], mask),
                        "average_precision": pixel_average_precision(maps[name][place], mask),
                        "ratio": inside_outside_ratio(maps[name][place], mask),
                        "covered": float(mask.mean()),
                    }
                )
    return pd.DataFrame(rows)


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
    squared_error = (images - reconstructions) ** 2
    variance = run.images("uncertainty", seed, MIXED)[identifiers]
    return {
        "image": images,
        "reconstruction": reconstructions,
        "squared_error": squared_error.sum(axis=-1),
        "squared_error_rgb": squared_error,
        "edge_energy": edge_energy(images),
        "slug": variance.sum(axis=-1),
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
