"""The figures of the eigenpairs."""

import pandas as pd
from matplotlib.axes import Axes

from companion.figures.plots import models
from companion.figures.style import COLOURS, INK, MARKERS


def spectrum(axis: Axes, eigenpairs: pd.DataFrame) -> None:
    """Draw the eigenvalues over their rank, one line per training set and seed."""
    _over_rank(axis, eigenpairs, "eigenvalue")
    axis.set_ylabel("eigenvalue of G\n(intensity² per squared parameter)")
    axis.legend()


def residuals(axis: Axes, eigenpairs: pd.DataFrame, tolerance: float) -> None:
    """Draw the relative residuals over the rank, and the tolerance that was asked for."""
    _over_rank(axis, eigenpairs, "relative_residual")
    axis.axhline(tolerance, color=INK, linewidth=1, linestyle=":")
    axis.set_ylabel("relative residual |Gu − λu| / λ")


def _over_rank(axis: Axes, eigenpairs: pd.DataFrame, column: str) -> None:
    for dataset, rows, label in models(eigenpairs):
        axis.plot(
            rows["rank"],
            rows[column],
            MARKERS[dataset] + "-",
            color=COLOURS[dataset],
            markersize=3,
            label=label,
        )
    axis.set(xlabel="rank", yscale="log")
