"""The figure of what SLUG adds to what costs nothing."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from companion.experiments.baselines.figures import KINDS, kind
from companion.experiments.baselines.report import titles
from companion.figures.style import INK


def added_dots(axis: Axes, table: pd.DataFrame, column: str) -> None:
    """Draw one column of `analysis.added`: each score with its interval, sorted."""
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
