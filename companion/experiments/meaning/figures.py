"""The figure of what SLUG adds to what costs nothing."""

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from companion.experiments.baselines.figures import KINDS, kind
from companion.experiments.baselines.report import titles
from companion.figures.style import INK


def added_panels(table: pd.DataFrame) -> Figure:
    """Draw `analysis.added`: each score alone, and given what costs nothing."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 4.2))
    _dots(left, table, "alone")
    _dots(right, table, "given all four")
    return figure


def _dots(axis: Axes, table: pd.DataFrame, column: str) -> None:
    """Draw one column, each score with its interval, sorted."""
    order = table[column].map(lambda interval: interval.value).sort_values().index
    for place, name in enumerate(order):
        interval = table.loc[name, column]
        colour, marker = KINDS[kind(name)]
        axis.plot([interval.low, interval.high], [place] * 2, color=colour, linewidth=1)
        axis.plot(interval.value, place, marker, color=colour, markersize=4)
    axis.axvline(0, color=INK, linewidth=1, linestyle=":")
    axis.set_yticks(np.arange(len(order)), [titles()[name] for name in order], fontsize=7)
    axis.set_title(column, fontsize=8)
    axis.grid(axis="x")
