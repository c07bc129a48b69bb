"""The figure of the ablation."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from companion.experiments.ablation.measure import BASE, spread
from companion.figures.style import METHOD_COLOURS, METHOD_LABELS, METHOD_MARKERS


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
            marker=METHOD_MARKERS[method],
            color=METHOD_COLOURS[method],
            elinewidth=1,
            label=METHOD_LABELS[method],
        )
        axis.axvline(found[0].value, color=METHOD_COLOURS[method], linewidth=1, alpha=0.6)
    names = [_title(str(factor), str(level)) for (factor, level), _ in groups]
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.4, -0.6)
    axis.set_xlabel(label)
    axis.grid(axis="y")


def _title(factor: str, level: str) -> str:
    return "base" if (factor, level) == BASE else f"{factor.replace('_', ' ')}: {level}"
