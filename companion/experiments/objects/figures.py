"""The figures of the benchmark with foreign objects and of the ablation."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from companion.config import Profile
from companion.experiments.ablation.measure import BASE, spread
from companion.experiments.objects.measure import METHODS
from companion.figures.style import COLOURS, INK
from companion.statistics.summaries import over_images

_COLOURS = {"slug": COLOURS["slug"], "squared_error": COLOURS["mse"]}
_MARKERS = {"slug": "o", "squared_error": "s"}
_LABELS = {"slug": "SLUG", "squared_error": "squared error"}


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
            marker=_MARKERS[method],
            color=_COLOURS[method],
            capsize=2,
            label=_LABELS[method],
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


def variants(axis: Axes, ablation: pd.DataFrame, columns: dict[str, str], label: str) -> None:
    """Draw one line of marks per variant: its mean over the seeds, and their range.

    Parameters
    ----------
    axis
        To draw into.
    ablation
        One row per (variant, seed); with a single seed, the bars are intervals over images.
    columns
        The columns to draw, each with the method whose colour and name it has.
    label
        Of the axis.
    """
    groups = ablation.groupby(["factor", "level"], sort=False)
    for column, method in columns.items():
        found = [spread(rows, column) for _, rows in groups]
        value = np.array([one.value for one in found])
        below = np.maximum(value - [one.low for one in found], 0)
        above = np.maximum([one.high for one in found] - value, 0)
        axis.errorbar(
            value,
            np.arange(len(found)),
            xerr=[below, above],
            linestyle="",
            marker=_MARKERS[method],
            color=_COLOURS[method],
            elinewidth=1,
            label=_LABELS[method],
        )
        axis.axvline(found[0].value, color=_COLOURS[method], linewidth=1, alpha=0.6)
    names = [_title(str(factor), str(level)) for (factor, level), _ in groups]
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.4, -0.6)
    axis.set_xlabel(label)
    axis.grid(axis="y")


def _title(factor: str, level: str) -> str:
    return "base" if (factor, level) == BASE else f"{factor.replace('_', ' ')}: {level}"
