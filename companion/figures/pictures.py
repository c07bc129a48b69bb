"""Pictures of images and maps; one that may not be shown is withheld."""

import numpy as np
from matplotlib.axes import Axes

from companion.figures.style import INK


def picture(
    axis: Axes, image: np.ndarray, *, may_show: bool, source: str, **options: object
) -> None:
    """Draw an image or a map of one, or say why it is withheld.

    Images of a data set whose manifest does not allow showing them never reach a page, and
    neither does anything with their outlines, such as a reconstruction or an error map.
    """
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)
    if may_show:
        axis.imshow(np.asarray(image), **options)  # type: ignore[arg-type]
        return
    axis.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axis.axhspan(0, 1, color=INK, alpha=0.2)
    axis.text(0.5, 0.5, f"{source}:\nmay not\nbe shown", ha="center", va="center", fontsize=7)


def scaled(map_: np.ndarray) -> np.ndarray:
    """Return a map scaled to [0, 1], as the paper shows its maps (section 4)."""
    low, high = float(map_.min()), float(map_.max())
    return (map_ - low) / (high - low) if high > low else np.zeros_like(map_)
