"""The pictures of the page on volumes."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from companion.figures.pictures import picture, scaled

COLUMNS = ("volume with needle", "reconstruction", "uncertainty", "needle")
PLANES = ("axial", "coronal", "sagittal")


def slices(axes: Sequence[Sequence[Axes]], example: np.ndarray) -> None:
    """Draw three slices through the middle of the needle, one row for each plane.

    Parameters
    ----------
    axes
        Three rows of four.
    example
        A volume, its reconstruction, its map of variances and the mask, (4, s, s, s).
    """
    volume, made, variance, mask = example
    centre = np.argwhere(mask > 0).mean(axis=0).round().astype(int)
    shown = (volume, made, scaled(np.sqrt(variance)), mask)
    for plane, (row, name) in enumerate(zip(axes, PLANES, strict=True)):
        for axis, one, title in zip(row, shown, COLUMNS, strict=True):
            part = np.take(one, centre[plane], axis=plane)
            picture(axis, part, may_show=True, source="phantoms", cmap="gray", vmin=0, vmax=1)
            if plane == 0:
                axis.set_title(title)
        row[0].set_ylabel(name)
