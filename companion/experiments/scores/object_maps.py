"""How well the pixel maps find foreign objects, image by image."""

import numpy as np
import pandas as pd

from companion.notebook import Run
from companion.statistics.metrics import inside_outside_ratio, pixel_auroc, pixel_average_precision

MAPS = ("slug", "squared_error")
MAPPED_DATASET = "B"


def measure(run: Run) -> pd.DataFrame:
    """Return one row per image with a mask and per map: AUROC, average precision, ratio.

    `ratio` is the mean of the map inside the mask over the mean outside. Images come from the
    sets "object" (drawn objects, exact masks) and "tagged" (real ones, masks by a colour rule).
    """
    rows = []
    for seed in run.profile.seeds:
        table = run.scores
        table = table[(table["seed"] == seed) & (table["dataset"] == MAPPED_DATASET)]
        masks = run.array("masks", seed)
        maps = load_maps(run, seed)
        for place, (_, image) in enumerate(table.iterrows()):
            mask = masks[place]
            if not mask.any():
                continue
            for name in MAPS:
                rows.append(
                    {
                        "seed": seed,
                        "image_id": image["image_id"],
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


def load_maps(run: Run, seed: int) -> dict[str, np.ndarray]:
    """Return the maps of all test images (n, H, W), summed over channels, and what they show."""
    images = run.array("test", seed)
    reconstructions = run.array("reconstruction", seed, MAPPED_DATASET)
    return {
        "image": images,
        "reconstruction": reconstructions,
        "squared_error": np.sum((images - reconstructions) ** 2, axis=-1),
        "slug": run.array("uncertainty", seed, MAPPED_DATASET),
    }


def examples(run: Run, count: int = 4) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Return the maps of the first seed, and the rows of `count` images with foreign objects.

    The first image of each kind is taken, ruler, ink and patch first; none is picked by how well
    its map looks.
    """
    seed = run.profile.seeds[0]
    table = run.scores
    table = table[(table["seed"] == seed) & (table["dataset"] == MAPPED_DATASET)]
    table = table.assign(place=range(len(table)))
    table = table[table["set"] == "object"].drop_duplicates("object")
    first = table["object"].map({"ruler": 0, "ink": 1, "patch": 2}).fillna(3)
    rows = table.assign(order=first).sort_values("order", kind="stable").head(count)
    return load_maps(run, seed), rows
