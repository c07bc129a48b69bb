"""The figure of the sketched bases."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from companion.figures.style import COLOURS, INK


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
