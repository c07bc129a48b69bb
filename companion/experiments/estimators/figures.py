"""The figures of the experiments on the method itself."""

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from companion.experiments.estimators.measure import summary
from companion.figures.style import COLOURS, INK, LABELS, MARKERS

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
    axis.yaxis.set_major_formatter(FuncFormatter(_percent))
    axis.yaxis.set_minor_formatter(NullFormatter())
    axis.grid(axis="y")
    axis.set_xlabel("Jacobian products per image")
    axis.set_ylabel("relative error")


def sketched_scores(axis: Axes, table: pd.DataFrame) -> None:
    """Draw the score with a sketched basis over that with the full one, for each sketch size."""
    styles = dict(zip(sorted(table["steps"].unique()), ("-", "--", ":"), strict=False))
    for (kind, steps), rows in table.groupby(["sketch", "steps"], sort=False):
        grouped = rows.groupby("share")["ratio"]
        mean = grouped.mean()
        axis.errorbar(
            mean.index,
            mean,
            [mean - grouped.min(), grouped.max() - mean],
            marker="o" if kind == "srft" else "s",
            linestyle=styles[steps],
            color=COLOURS["slug" if kind == "srft" else "mse"],
            capsize=2,
            label=f"{'SRFT' if kind == 'srft' else 'sparse'}, {steps} steps",
        )
    axis.axhline(1, color=INK, linewidth=1)
    axis.set_xscale("log")
    shares = sorted(table["share"].unique())
    axis.set_xticks(
        shares, [f"{share:.0%}" if share >= 0.01 else f"{share:.1%}" for share in shares]
    )
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_ylim(bottom=min(0, axis.get_ylim()[0]))
    axis.set_xlabel("sketch size, share of p")
    axis.set_ylabel("sketched score over full score")
    axis.legend()


def needed_sizes(axis: Axes, error: float) -> None:
    r"""Draw the sketch size that keeps the error of one probe below a bound.

    .. math:: s = 2 \left( \frac{r}{(1 - r)\, \epsilon} \right)^2

    for the share r of the Jacobian norm that the basis removes.
    """
    removed = np.linspace(0.3, 0.99, 200)
    axis.plot(removed, needed_size(removed, error), color=COLOURS["slug"])
    axis.set_yscale("log")
    axis.grid(axis="y")
    axis.set_xlabel("share of the Jacobian norm removed by U")
    axis.set_ylabel(f"sketch size for {error:.0%} error")


def needed_size(removed: np.ndarray | float, error: float) -> np.ndarray | float:
    """Return the sketch size of `needed_sizes`.

    >>> round(needed_size(0.5, 0.1))
    200
    """
    return 2 * (removed / ((1 - removed) * error)) ** 2


def _percent(value: float, _: int) -> str:
    return f"{100 * value:g} %"
