"""What one network and one posterior are worth: the row of a variant in the ablation."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from companion.config import Statistics
from companion.statistics.interval import Interval
from companion.statistics.metrics import bootstrap, pixel_auroc, spearman

SKIN_SETS = ("light", "dark")
BASE = ("base", "base")

# Prior precisions far below and far above the curvature that the eigenpairs hold.
FAR_BELOW, FAR_ABOVE = 1e-3, 10.0


def name_of(changes: Mapping[str, Any]) -> tuple[str, str]:
    """Return the factor that an additional network changes, and its level.

    >>> name_of({"latent": "dense", "latent_size": 64})
    ('latent', 'dense, 64')
    >>> name_of({"widths": [6, 8]})
    ('widths', '6-8')
    """
    levels = ["-".join(map(str, v)) if isinstance(v, list | tuple) else v for v in changes.values()]
    return next(iter(changes)), ", ".join(map(str, levels))


def prior_precisions(eigenvalues: np.ndarray, by_evidence: float) -> dict[str, float]:
    """Return the precisions to compare, in the units of the eigenvalues."""
    return {
        "far below": FAR_BELOW * float(eigenvalues[-1]),
        "by evidence": by_evidence,
        "far above": FAR_ABOVE * float(eigenvalues[0]),
    }


def evaluate(
    variances: np.ndarray,
    squared_errors: np.ndarray,
    tests: pd.DataFrame,
    masks: np.ndarray,
    statistics: Statistics,
    *,
    seed: int,
) -> dict[str, float]:
    """Return how well a score follows the error, and how well its map finds objects.

    Parameters
    ----------
    variances, squared_errors
        Shape (n, H, W), summed over channels.
    tests
        n rows, with the columns set ("light" and "dark" are the held-out skin, "object" the images
        with an object) and image_id.
    masks
        Shape (n, H, W): the pixels of the objects.
    statistics
        Of the intervals, by a bootstrap over images.
    seed
        Of the bootstrap.

    Returns
    -------
    dict
        mse (mean squared error per pixel and channel on skin), spearman (of score and error there),
        auroc_slug and auroc_error (mean over images with an object), each with _low and _high.
    """
    skin = tests["set"].isin(SKIN_SETS).to_numpy()
    objects = np.flatnonzero((tests["set"] == "object").to_numpy() & masks.any(axis=(1, 2)))
    scores, errors = (part[skin].sum(axis=(1, 2)) for part in (variances, squared_errors))
    aurocs = [
        np.array([pixel_auroc(maps[i], masks[i]) for i in objects])
        for maps in (variances, squared_errors)
    ]
    # The same clean image carries several objects.
    pairs = tests["pair"].to_numpy(str)[objects]

    def interval(statistic: Any, *arrays: np.ndarray, groups: np.ndarray | None = None) -> Interval:
        return bootstrap(
            statistic,
            *arrays,
            groups=groups,
            resamples=statistics.resamples,
            confidence=statistics.confidence,
            seed=seed,
        )

    found = {
        "spearman": interval(spearman, scores, errors),
        "auroc_slug": interval(np.mean, aurocs[0], groups=pairs),
        "auroc_error": interval(np.mean, aurocs[1], groups=pairs),
    }
    row = {"mse": float(errors.mean() / (3 * masks[0].size))}
    for name, one in found.items():
        row |= {name: one.value, f"{name}_low": one.low, f"{name}_high": one.high}
    return row


def spread(rows: pd.DataFrame, column: str) -> Interval:
    """Return a variant's mean over its seeds, with the lowest and the highest of them.

    With a single seed, the interval is that over images.
    """
    low, high = (column, column) if len(rows) > 1 else (f"{column}_low", f"{column}_high")
    return Interval(*(float(v) for v in (rows[column].mean(), rows[low].min(), rows[high].max())))
