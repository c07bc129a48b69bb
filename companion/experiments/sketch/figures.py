"""The figures of the sketched bases."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from companion.experiments.sketch.analysis import FORMS, needed_size
from companion.figures.style import COLOURS, INK

STYLES = {"published": (COLOURS["mse"], "o"), "residual": (COLOURS["slug"], "s")}
LABELS = {"published": "as published", "residual": "residual inside the sketch"}


def sketch_errors(axis: Axes, scores: pd.DataFrame) -> None:
    """Draw the relative error over the sketch size, for both forms and each number of steps."""
    lines = dict(zip(sorted(scores["steps"].unique()), ("-", "--", ":"), strict=False))
    for steps, rows in scores[scores["sketch"] == "srft"].groupby("steps"):
        for form in FORMS:
            colour, marker = STYLES[form]
            squares = ((rows[form] - 1) ** 2).groupby(rows["sketch_size"]).mean()
            axis.plot(
                squares.index,
                np.sqrt(squares),
                marker=marker,
                linestyle=lines[steps],
                color=colour,
                label=f"{LABELS[form]}, {steps} steps",
            )
    axis.axhline(0.1, color=INK, linewidth=1)
    _on_logarithmic_axes(axis)
    axis.set_xlabel("sketch size s")
    axis.set_ylabel("relative error of the score")
    _legend_above(axis)


def size_over_parameters(axis: Axes, growth: pd.DataFrame, error: float) -> None:
    """Draw the needed sketch size over the number of parameters, for both forms."""
    networks = [rows for _, rows in growth.groupby("parameters")]
    parameters = [float(rows["parameters"].iloc[0]) for rows in networks]
    for form in FORMS:
        colour, marker = STYLES[form]
        sizes = [needed_size(rows, form, error) for rows in networks]
        axis.plot(parameters, sizes, marker=marker, color=colour, label=LABELS[form])
    axis.plot(parameters, parameters, color=INK, linewidth=1, linestyle=":", label="s = p")
    _on_logarithmic_axes(axis)
    axis.set_xlabel("number of parameters p")
    axis.set_ylabel(f"sketch size s for {100 * error:.0f} % error")
    _legend_above(axis)


def _on_logarithmic_axes(axis: Axes) -> None:
    axis.set_xscale("log")
    axis.set_yscale("log")
    # Over few decades the labels of the ticks between would overlap.
    axis.xaxis.set_minor_formatter(NullFormatter())


def _legend_above(axis: Axes) -> None:
    """Leave the whole axis to the lines, which may come from any corner."""
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), fontsize=8, borderaxespad=0.2)


def rule(removed: np.ndarray | float, error: float) -> np.ndarray | float:
    r"""Return the sketch size that keeps one probe of the published form below an error.

    .. math:: s = 2 \left( \frac{\rho}{(1 - \rho)\, \epsilon} \right)^2

    for the fraction :math:`\rho` of the Jacobian norm that the basis removes.

    >>> round(rule(0.5, 0.1))
    200
    """
    return 2 * (removed / ((1 - removed) * error)) ** 2
