"""Whether the lesion is uncertain too, and less so than a foreign object on the same image."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from companion.experiments.objects.measure import METHODS, Observer
from slugkit.data.synthesis.foreign_objects import overlay_each
from slugkit.progress import Progress

COLUMNS = ("image_id", "kind", "method", "lesion_share", "object", "lesion", "skin")


def measure(
    observe: Observer,
    images: np.ndarray,
    lesions: np.ndarray,
    identifiers: Sequence[str],
    *,
    kinds: Sequence[str],
    seed: int,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Lay each kind of object over images with a lesion, and look at both and at the rest.

    Parameters
    ----------
    observe
        From `companion.experiments.objects.observer.observer`.
    images, lesions
        Shapes (n, H, W, 3) and (n, H, W).
    identifiers
        One for each image.
    kinds
        Of objects, at their usual size and full contrast.
    seed
        Of the objects.
    progress
        Called as ``progress(done, total, message)``.

    Returns
    -------
    DataFrame
        One row per (kind, image, method) that shows all three: the means of the map over the
        object, over what is still seen of the lesion, and over the rest, which is called skin; and
        lesion_share, the share of pixels of the lesion that is seen.
    """
    rows = []
    for number, kind in enumerate(kinds):
        changed, objects = overlay_each(images, [kind] * len(images), seed)
        seen = lesions & ~objects
        skin = ~(lesions | objects)
        found = observe(changed)
        for place in map(int, np.flatnonzero(_all_there(objects, seen, skin))):
            for method in METHODS:
                map_ = found[method].maps[place]
                rows.append(
                    (
                        identifiers[place],
                        kind,
                        method,
                        float(seen[place].mean()),
                        *(float(map_[part[place]].mean()) for part in (objects, seen, skin)),
                    )
                )
        if progress is not None:
            progress(number + 1, len(kinds), f"{kind} beside a lesion")
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _all_there(*masks: np.ndarray) -> np.ndarray:
    return np.all([mask.any(axis=(1, 2)) for mask in masks], axis=0)
