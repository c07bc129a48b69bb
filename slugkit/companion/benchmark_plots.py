"""The figures of the benchmark with foreign objects and of the ablation."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from slugkit.companion.experiments.ablation import BASE
from slugkit.companion.experiments.objects import METHODS
from slugkit.companion.profile import Profile
from slugkit.companion.style import COLOURS, INK
from slugkit.companion.summaries import over_images

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
    """Draw one line of marks per variant: faint for each seed, full for their mean.

    Parameters
    ----------
    axis
        To draw into.
    ablation
        One row per (variant, seed).
    columns
        The columns to draw, each with the method whose colour and name it has.
    label
        Of the axis.
    """
    names = list(dict.fromkeys(zip(ablation["factor"], ablation["level"], strict=True)))
    for column, method in columns.items():
        for place, (factor, level) in enumerate(names):
            rows = ablation[(ablation["factor"] == factor) & (ablation["level"] == level)]
            values = rows[column].to_numpy(float)
            style: dict[str, Any] = {"color": _COLOURS[method], "marker": _MARKERS[method]}
            style["linestyle"] = ""
            axis.plot(values, np.full(len(values), place), alpha=0.35, markersize=3, **style)
            axis.plot(values.mean(), place, label=_LABELS[method] if place == 0 else None, **style)
        base = ablation.loc[ablation["factor"] == BASE[0], column].mean()
        axis.axvline(base, color=_COLOURS[method], linewidth=1, alpha=0.6)
    axis.set_yticks(range(len(names)), [_title(*name) for name in names])
    axis.invert_yaxis()
    axis.set_xlabel(label)
    axis.grid(axis="y")


def _title(factor: str, level: str) -> str:
    return "base" if (factor, level) == BASE else f"{factor.replace('_', ' ')}: {level}"
