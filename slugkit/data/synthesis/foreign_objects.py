"""Foreign objects laid over any photograph of skin, each with the exact mask of what it changed.

The mask holds the pixels that the object covers by at least a tenth and whose value it changed;
every other pixel keeps its bits.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slugkit.data.synthesis.drawing import Field
from slugkit.data.synthesis.object_drawings import DRAW
from slugkit.errors import InputError

OBJECTS = tuple(DRAW)
MINIMUM_SIZE = 16
_FAINTEST = 0.1  # least coverage of a pixel that still counts as covered


def _check(kind: str, scale: float, contrast: float) -> None:
    if kind not in OBJECTS:
        raise InputError(f"object kind is {kind!r}: choose one of {', '.join(OBJECTS)}")
    if not 0 < scale < np.inf:
        raise InputError(f"scale is {scale!r}: give a positive number, 1 for the usual size")
    if not 0 < contrast <= 1:
        raise InputError(f"contrast is {contrast!r}: give a number above 0 and at most 1")


def _checked_image(image: ArrayLike) -> Field:
    array = np.asarray(image, np.float32)
    if array.ndim != 3 or array.shape[2] != 3 or min(array.shape[:2]) < MINIMUM_SIZE:
        raise InputError(
            f"image has shape {array.shape}: give (H, W, 3), sides of {MINIMUM_SIZE} pixels or more"
        )
    if not (array.min() >= 0 and array.max() <= 1):
        raise InputError(
            "image has values outside [0, 1] or not a number: scale it to [0, 1] first"
        )
    return array


def overlay(
    image: ArrayLike,
    kind: str,
    rng: np.random.Generator,
    scale: float = 1.0,
    contrast: float = 1.0,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return a copy of an image with a foreign object, and the mask of the pixels it changed.

    With coverage a and object colour c, changed = image + contrast a (c - image) where a >= 0.1.

    Parameters
    ----------
    image : array_like (H, W, 3)
        sRGB in [0, 1], float32.
    kind : str
        One of `OBJECTS`: "ruler", "ink" (skin pen), "patch" (coloured sticker), "gel" (bubbles),
        "corner" (dark surround of a round field of view), "hair".
    rng : numpy.random.Generator
        Decides the object's variant, place, size and colour.
    scale : float
        Factor on the size of the object, above 0.
    contrast : float
        Factor on its opacity, above 0 and at most 1.

    Returns
    -------
    image : ndarray (H, W, 3) float32
        Outside the mask bit-identical to the input.
    mask : ndarray (H, W) bool
        True exactly where the image changed.

    Raises
    ------
    InputError
        If the kind is unknown, the image is not (H, W, 3) in [0, 1] with sides of 16 pixels or
        more, or scale or contrast are outside their range.

    Examples
    --------
    >>> grey = np.full((32, 48, 3), 0.5, np.float32)
    >>> changed, mask = overlay(grey, "patch", np.random.default_rng(0))
    >>> bool((changed[~mask] == 0.5).all() and (changed[mask] != 0.5).any(axis=-1).all())
    True
    """
    _check(kind, scale, contrast)
    original = _checked_image(image)
    colour, cover = DRAW[kind](original, rng, scale)
    opacity = contrast * np.where(cover >= _FAINTEST, cover, 0.0)[..., None]
    changed = np.clip(original + opacity * (colour - original), 0, 1).astype(np.float32)
    mask = np.any(changed != original, axis=-1) & (opacity[..., 0] > 0)
    return np.where(mask[..., None], changed, original), mask


def overlay_each(
    images: ArrayLike,
    kinds: Sequence[str],
    seed: int,
    scale: float = 1.0,
    contrast: float = 1.0,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return images with one foreign object each, and their masks.

    Row i depends on (seed, i, kinds[i], images[i], scale, contrast) alone.

    Parameters
    ----------
    images : array_like (n, H, W, 3)
        sRGB in [0, 1], float32.
    kinds : sequence of str
        One of `OBJECTS` for each image.
    seed : int
        Seed of the collection, at least 0.
    scale, contrast : float
        As in `overlay`.

    Returns
    -------
    images : ndarray (n, H, W, 3) float32
    masks : ndarray (n, H, W) bool

    Raises
    ------
    InputError
        As in `overlay`; if there are not as many kinds as images, or the seed is negative.
    """
    originals = np.asarray(images, np.float32)
    if originals.ndim != 4 or isinstance(kinds, str) or len(kinds) != len(originals):
        raise InputError(
            f"images have shape {originals.shape} and kinds is {kinds!r}: "
            "give images (n, H, W, 3) and a list of n kinds"
        )
    if not float(seed).is_integer() or seed < 0:
        raise InputError(f"seed is {seed!r}: give a whole number, 0 or more")
    for kind in kinds:
        _check(kind, scale, contrast)
    results = np.empty_like(originals)
    masks = np.empty(originals.shape[:3], bool)
    for i, (image, kind) in enumerate(zip(originals, kinds, strict=True)):
        rng = np.random.default_rng([int(seed), i])
        results[i], masks[i] = overlay(image, kind, rng, scale, contrast)
    return results, masks
