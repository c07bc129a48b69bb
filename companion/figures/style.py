"""The one look of every figure in the book.

A page is read on a light and on a dark background from the same file, so figures are drawn on a
transparent ground with ink and colours of middle luminance: at least 3:1 against both.
"""

import os
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.figure import Figure

from slugkit.files import atomic_path

# A colour means one thing in the whole book. Hues after Okabe and Ito (2008), darkened or
# lightened until they stand out from white and from the dark theme alike.
INK = "#777777"
COLOURS = {
    "A": "#b87f00",
    "B": "#00986f",
    "C": "#8d6bd6",
    "light": "#bd8848",
    "dark": "#905a38",
    "slug": "#2a86c7",
    "mse": "#d55e00",
    "encoder_std": "#8c8378",
    "oracle": INK,
    "random": INK,
    "krylov": "#2a86c7",
    "pushforward": "#00986f",
    "hutchinson": "#d55e00",
    "bekas": "#d55e00",
    "hutchpp": "#b87f00",
    "xtrace": "#8d6bd6",
    "xnystrace": "#8c8378",
    "xnysdiag": "#8d6bd6",
}
MARKERS = {
    "A": "o",
    "B": "s",
    "C": "^",
    "light": "o",
    "dark": "D",
    "krylov": "o",
    "pushforward": "s",
    "hutchinson": "^",
    "bekas": "^",
    "hutchpp": "D",
    "xtrace": "v",
    "xnystrace": "P",
    "xnysdiag": "v",
}
LABELS = {
    "A": "A: light skin",
    "B": "B: mixed",
    "C": "C: dark skin",
    "light": "light skin",
    "dark": "dark skin",
    "slug": "SLUG",
    "mse": "mean squared error",
    "encoder_std": "encoder standard deviation",
    "oracle": "oracle",
    "random": "random",
    "krylov": "Krylov (ours)",
    "pushforward": "push-forward (ours, batched)",
    "hutchinson": "Hutchinson (the paper's)",
    "bekas": "Bekas (the paper's)",
    "hutchpp": "Hutch++",
    "xtrace": "XTrace",
    "xnystrace": "XNysTrace",
    "xnysdiag": "XNysDiag",
}
# How the two maps of the benchmark with foreign objects are drawn.
METHOD_COLOURS = {"slug": COLOURS["slug"], "squared_error": COLOURS["mse"]}
METHOD_MARKERS = {"slug": "o", "squared_error": "s"}
METHOD_LABELS = {"slug": "SLUG", "squared_error": "squared error"}
WIDTH = 7.2  # inches; the width of a page's text, so that letters keep their size

_SVG_METADATA = {"Date": None}  # the same figure gives the same bytes on any day

_RC: dict[Any, Any] = {
    "figure.figsize": (WIDTH, 3.0),
    "figure.dpi": 100,
    "figure.facecolor": "none",
    "figure.constrained_layout.use": True,
    "savefig.facecolor": "none",
    "savefig.transparent": True,
    "svg.fonttype": "path",
    "svg.hashsalt": "slugkit",
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.facecolor": "none",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=[COLOURS[name] for name in ("slug", "mse", "B", "C", "A")]),
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": INK,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
    "image.cmap": "magma",
    "image.interpolation": "nearest",
}


def apply_style() -> None:
    """Set matplotlib's defaults, and in a notebook show figures as reproducible SVG.

    Examples
    --------
    >>> apply_style()
    >>> mpl.rcParams["svg.hashsalt"]
    'slugkit'
    """
    mpl.rcParams.update(_RC)
    from IPython.core.getipython import get_ipython

    if get_ipython() is not None:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("svg", metadata=_SVG_METADATA, bbox_inches=None)


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure as SVG; equal figures give equal bytes.

    Parameters
    ----------
    figure
        Drawn after `apply_style`.
    path
        Where to write, ending in ``.svg``.

    Raises
    ------
    OSError
        The folder cannot be written; nothing is left behind.
    """
    with atomic_path(path) as partial:
        figure.savefig(partial, format="svg", metadata=_SVG_METADATA)


def percent(value: float, _: int) -> str:
    return f"{100 * value:g} %"
