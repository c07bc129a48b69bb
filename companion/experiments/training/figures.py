"""The figure of the training."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from companion.figures.plots import models
from companion.figures.style import COLOURS


def losses(axis: Axes, table: pd.DataFrame) -> None:
    """Draw the training loss over the epochs, one line per training set and seed."""
    for dataset, rows, label in models(table):
        axis.plot(rows["epoch"], rows["negative_elbo"], color=COLOURS[dataset], label=label)
    axis.set(xlabel="epoch", ylabel="negative ELBO (nats per image)")
    linear = 1000.0  # below it the axis is linear
    axis.set_yscale("symlog", linthresh=linear)
    # There the labels of decades would overlap that of zero.
    ticks = axis.get_yticks()
    axis.set_yticks(ticks[(ticks == 0) | (np.abs(ticks) >= linear)])
    axis.minorticks_off()
    axis.legend()
