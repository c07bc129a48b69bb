"""Whether SLUG's variance of a pixel tells the size of its squared residual."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from companion.config import MIXED
from companion.statistics.metrics import spearman
from companion.statistics.summaries import GROUPS

if TYPE_CHECKING:
    from companion.pipeline.jobs import Job

# Pixels of like variance, of which the residuals are averaged.
BINS = 10


def run(job: "Job", facts: dict[str, Any]) -> None:
    """Write calibration.csv, one row per skin image; see `calibrate` for its columns."""
    scores = job.read_table("scores.csv")
    chosen = scores[(scores["dataset"] == MIXED) & scores["set"].isin(GROUPS)]
    names = chosen["image_id"]
    images = job.read_images("data/test.npy", "data/test.csv")[names]
    made = job.read_images("reconstruction.npy", "scores.csv")[names]
    variances = job.read_images("uncertainty.npy", "scores.csv")[names].sum(axis=-1)
    residuals = np.sum((images - made) ** 2, axis=-1)
    kept = chosen[["image_id", "source", "group", "set"]].reset_index(drop=True)
    job.save_table("calibration.csv", pd.concat([kept, calibrate(residuals, variances)], axis=1))


def calibrate(residuals: NDArray, variances: NDArray) -> pd.DataFrame:
    r"""Return how the squared residuals of each image follow the variances of its pixels.

    Parameters
    ----------
    residuals, variances
        (n, H, W), summed over channels, in squared units of intensity.

    Returns
    -------
    DataFrame
        One row per image. `rank`: Spearman's correlation over pixels. `slope`: of the logarithm of
        the mean residual in that of the mean variance, over tenths of the pixels in the order of
        their variance; 1 where residuals are in proportion to variances. `log_ratio`: the logarithm
        of the mean residual over the mean variance; the same for all images where one factor
        calibrates them all.

    >>> variance = np.linspace(1, 2, 400).reshape(1, 20, 20)
    >>> calibrate(3 * variance, variance).round(3).to_numpy().tolist()
    [[1.0, 1.0, 1.099]]
    """
    rows = []
    for residual, variance in zip(residuals, variances, strict=True):
        parts = np.array_split(np.argsort(variance.ravel(), kind="stable"), BINS)
        means = np.array(
            [[one.ravel()[part].mean() for part in parts] for one in (variance, residual)]
        )
        level, found = np.log(np.maximum(means, np.finfo(float).tiny))
        rows.append(
            {
                "rank": spearman(variance.ravel(), residual.ravel()),
                "slope": float(np.polyfit(level, found, 1)[0]),
                "log_ratio": float(np.log(residual.mean() / variance.mean())),
            }
        )
    return pd.DataFrame(rows, columns=["rank", "slope", "log_ratio"])
