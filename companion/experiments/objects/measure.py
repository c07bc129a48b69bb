"""How well SLUG and the squared error find foreign objects of several sizes and contrasts."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd

from companion.statistics.metrics import pixel_auroc, pixel_average_precision
from slugkit.data.synthesis.foreign_objects import overlay_each
from slugkit.progress import Progress

METHODS = ("slug", "squared_error")


class Observation(NamedTuple):
    """What one method says about some images; a score is the sum of its map."""

    scores: np.ndarray  # (n,), squared units of intensity
    maps: np.ndarray  # (n, H, W), summed over channels


Observer = Callable[[np.ndarray], dict[str, Observation]]


def measure(
    observe: Observer,
    images: np.ndarray,
    identifiers: Sequence[str],
    *,
    kinds: Sequence[str],
    scales: Sequence[float],
    contrasts: Sequence[float],
    seed: int,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Lay every kind of object over every image, at every scale and contrast, and look.

    Parameters
    ----------
    observe
        From `observer`.
    images
        Shape (n, H, W, 3), without foreign objects, and not seen in training.
    identifiers
        One for each image.
    kinds, scales, contrasts
        As in `slugkit.data.synthesis.foreign_objects.overlay`. An image gets the same object of
        one kind at all scales and contrasts.
    seed
        Of the objects.
    progress
        Called as ``progress(done, total, message)``.

    Returns
    -------
    DataFrame
        One row per (kind, scale, contrast, image, method) whose object changes a pixel: covered
        (the share of pixels), auroc and average_precision of the map against the mask, clean_score
        and score (of the image without and with the object), inside and outside (means of the map
        in the mask and elsewhere) and clean_inside (the mean in the mask before the object).
    """
    before = observe(images)
    cases = list(product(kinds, scales, contrasts))
    rows = []
    for number, (kind, scale, contrast) in enumerate(cases):
        changed, masks = overlay_each(images, [kind] * len(images), seed, scale, contrast)
        after = observe(changed)
        usable = masks.any(axis=(1, 2)) & ~masks.all(axis=(1, 2))
        for place in map(int, np.flatnonzero(usable)):
            mask = masks[place]
            for method in METHODS:
                found, clean = after[method], before[method]
                map_ = found.maps[place]
                rows.append(
                    {
                        "image_id": identifiers[place],
                        "kind": kind,
                        "scale": scale,
                        "contrast": contrast,
                        "method": method,
                        "covered": float(mask.mean()),
                        "auroc": pixel_auroc(map_, mask),
                        "average_precision": pixel_average_precision(map_, mask),
                        "clean_score": float(clean.scores[place]),
                        "score": float(found.scores[place]),
                        "inside": float(map_[mask].mean()),
                        "outside": float(map_[~mask].mean()),
                        "clean_inside": float(clean.maps[place][mask].mean()),
                    }
                )
        if progress is not None:
            progress(number + 1, len(cases), f"{kind}, scale {scale:g}, contrast {contrast:g}")
    return pd.DataFrame(rows)


def plainest(objects: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the usual size and the full contrast, or what is nearest to them."""
    scale = min(objects["scale"].unique(), key=lambda value: abs(np.log(value)))
    return objects[(objects["scale"] == scale) & (objects["contrast"] == objects["contrast"].max())]
