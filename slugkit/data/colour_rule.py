"""Masks of coloured stickers in dermoscopy images, by a colour rule instead of an annotation."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from slugkit.data.synthesis.skin_colour import lab
from slugkit.errors import InputError

# Skin, blood and pigment have hues between red and yellow and stay below this chroma.
SKIN_HUES = (-25.0, 78.0)  # degrees in the a*-b* plane
LARGEST_SKIN_CHROMA = 58.0
# Many photographs have a colour cast, so a patch must also differ from the image's own skin.
SMALLEST_DIFFERENCE = 20.0  # from the median colour, in the a*-b* plane
SMALLEST_SHARE = 0.01  # of the image's area


def coloured_patch(image: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return the pixels of coloured patches: a hue that skin does not have, or far too vivid.

    A pixel belongs to a patch if, in CIELAB, its colour differs by more than 20 in (a*, b*) from
    the image's median, and its hue is outside -25 to 78 degrees or its chroma is above 58.
    Holes are filled, and connected regions of less than 1 % of the image are dropped. The rule
    misses skin-coloured and white stickers, and those that cover most of the image.

    Parameters
    ----------
    image
        (H, W, 3), sRGB in [0, 1].

    Returns
    -------
    (H, W), all False where no patch is found.

    Raises
    ------
    InputError
        The image has another shape.
    """
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[-1] != 3:
        raise InputError(f"a colour rule needs an image of shape (H, W, 3), not {image.shape}")
    colour = lab(image)[..., 1:]
    difference = np.linalg.norm(colour - np.median(colour, axis=(0, 1)), axis=-1)
    hue = np.degrees(np.arctan2(colour[..., 1], colour[..., 0]))
    vivid = np.linalg.norm(colour, axis=-1) > LARGEST_SKIN_CHROMA
    foreign = (hue < SKIN_HUES[0]) | (hue > SKIN_HUES[1]) | vivid
    found = foreign & (difference > SMALLEST_DIFFERENCE)
    found = ndimage.binary_fill_holes(found)
    regions, _ = ndimage.label(found)
    sizes = np.bincount(regions.ravel())
    large = sizes >= SMALLEST_SHARE * found.size
    large[0] = False
    return large[regions]
