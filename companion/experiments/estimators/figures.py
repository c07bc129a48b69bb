"""The figures of the experiments on the method itself."""

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from companion.experiments.estimators.measure import summary
from companion.figures.style import COLOURS, INK, LABELS, MARKERS, percent

PAPER_BUDGET = 500


def errors(axes: np.ndarray, table: pd.DataFrame) -> None:
    """Draw scores in the upper row and maps in the lower, one column for each image size."""
    sizes = sorted(table["image_size"].unique())
    for row, quantity in zip(axes, ("score", "map"), strict=True):
        for axis, size in zip(row, sizes, strict=True):
            chosen = table[(table["quantity"] == quantity) & (table["image_size"] == size)]
            errors_at_size(axis, chosen)
            axis.set_title(f"{quantity}, {size} pixels")
            axis.label_outer()


def legend_once(axes: np.ndarray) -> tuple[list, list]:
    """Return handles and labels of all axes, each label once."""
    found: dict[str, Artist] = {}
    for axis in axes.flat:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return list(found.values()), list(found)


def errors_at_size(axis: Axes, table: pd.DataFrame) -> None:
    """Draw the error of each estimator over the number of products; bars span what was seen."""
    made = summary(table)
    for name, rows in made.groupby("estimator", sort=False):
        axis.errorbar(
            rows["products"],
            rows["error"],
            [rows["error"] - rows["low"], np.maximum(rows["high"] - rows["error"], 0)],
            marker=MARKERS[str(name)],
            color=COLOURS[str(name)],
            capsize=2,
            label=LABELS[str(name)],
        )
    axis.set(xscale="log", yscale="log")
    budgets = sorted(made["budget"].unique())
    axis.set_xticks(budgets, [str(budget) for budget in budgets])
    axis.xaxis.set_minor_locator(NullLocator())
    if PAPER_BUDGET in budgets:
        axis.axvline(PAPER_BUDGET, color=INK, linestyle=":", linewidth=1)
        axis.text(
            PAPER_BUDGET,
            1.0,
            "the paper's S ",
            transform=axis.get_xaxis_transform(),
            ha="right",
            va="top",
            fontsize=8,
        )
    axis.yaxis.set_major_formatter(FuncFormatter(percent))
    axis.yaxis.set_minor_formatter(NullFormatter())
    axis.grid(axis="y")
    axis.set_xlabel("Jacobian products per image")
    axis.set_ylabel("relative error")
