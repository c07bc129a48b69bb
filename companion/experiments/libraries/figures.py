"""The figure of the page on other libraries."""

from typing import Any

from matplotlib.axes import Axes

from companion.figures.style import COLOURS, INK


def torch_seconds(axes: Axes, recorded: dict[str, Any]) -> None:
    """Draw what a fit of each model takes: its check, and compiling and multiplying."""
    models = recorded["models"]
    names = [name.replace(".", ".\n", 1).replace("networks.nets.", "") for name in models]
    check = [found["check_seconds"] for found in models.values()]
    rest = [found["fit_seconds"] - found["check_seconds"] for found in models.values()]
    axes.barh(names, check, color=COLOURS["mse"], label="check of the model")
    axes.barh(names, rest, left=check, color=COLOURS["slug"], label="compilation and products")
    axes.invert_yaxis()
    axes.set_xlabel("seconds of one processor")
    axes.tick_params(axis="y", colors=INK)
    axes.legend(loc="best")
