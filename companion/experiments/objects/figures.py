"""The figures of the benchmark with foreign objects and of the ablation."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from companion.config import Profile
from companion.experiments.objects.measure import METHODS
from companion.figures.style import INK, METHOD_COLOURS, METHOD_LABELS, METHOD_MARKERS
from companion.statistics.summaries import over_images


def detection(axis: Axes, rows: pd.DataFrame, profile: Profile, over: str) -> None:
    """Draw the mean pixel AUROC of both maps over the contrast or the scale of one object."""
    for offset, method in zip((-0.06, 0.06), METHODS, strict=True):
        chosen = rows[rows["method"] == method]
        levels = sorted(chosen[over].unique())
        found = [
            over_images(chosen[chosen[over] == level], profile, np.mean, "auroc")
            for level in levels
        ]
        value = np.array([one.value for one in found])
        below = value - [one.low for one in found]
        above = np.array([one.high for one in found]) - value
        axis.errorbar(
            np.arange(len(levels)) + offset,
            value,
            [np.maximum(below, 0), np.maximum(above, 0)],
            marker=METHOD_MARKERS[method],
            color=METHOD_COLOURS[method],
            capsize=2,
            label=METHOD_LABELS[method],
        )
    axis.axhline(0.5, color=INK, linewidth=1, linestyle=":")
    axis.set_xticks(range(len(levels)), [f"{level:g}" for level in levels])
    axis.set_xlim(-0.4, len(levels) - 0.6)
    axis.set_ylim(0, 1.03)
    axis.set_xlabel(over)
    axis.grid(axis="y")


def detections(axes: np.ndarray, objects: pd.DataFrame, profile: Profile) -> None:
    """Fill a grid (2, kinds): above, over the contrast at the usual size; below, over the size.

    Parameters
    ----------
    axes
        (2, m) for m kinds of object.
    objects
        From `experiments.objects.measure`, over all seeds.
    profile
        For the intervals.
    """
    usual = min(objects["scale"].unique(), key=lambda value: abs(np.log(value)))
    full = objects["contrast"].max()
    for (upper, lower), (kind, rows) in zip(
        axes.T, objects.groupby("kind", sort=False), strict=True
    ):
        detection(upper, rows[rows["scale"] == usual], profile, "contrast")
        detection(lower, rows[rows["contrast"] == full], profile, "scale")
        upper.set_title(str(kind))
    for row in axes:
        row[0].set_ylabel("pixel AUROC")
