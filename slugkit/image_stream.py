"""Images that are read slice by slice, and never all at once."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from slugkit import refusals
from slugkit.checks.arrays import check_images
from slugkit.errors import ImageError, InputError, counted_from


class ImageStream:
    """Images on disk or anywhere else, of which each slice is checked as it is read.

    Parameters
    ----------
    images
        Anything with a length n whose slices are arrays (m, ...), such as
        ``numpy.load(path, mmap_mode="r")``.
    dtype
        The type in which they are returned.

    Raises
    ------
    InputError
        There are no images, or a slice is unusable, or not what it was when it was read before.
    """

    def __init__(self, images: Any, dtype: Any):
        if len(images) == 0:
            raise refusals.IMAGES_SHAPE.error(shape=np.shape(images))
        self._images, self._dtype = images, dtype
        self._seen: dict[tuple[int, int], bytes] = {}
        self._image_shape: tuple[int, ...] | None = None
        self._image_shape = self[:1].shape[1:]
        self.shape = (len(images), *self._image_shape)

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, where: slice) -> Float[np.ndarray, "m ..."]:
        start, stop, _ = where.indices(len(self))
        try:
            with counted_from(start):
                array = check_images(self._images[start:stop], self._image_shape)
        except ImageError:
            raise
        except InputError as error:
            raise InputError(f"images {start} to {stop - 1}: {error}") from error
        array = np.ascontiguousarray(array, self._dtype)
        digest = hashlib.blake2b(array.data, digest_size=8).digest()
        if self._seen.setdefault((start, stop), digest) != digest:
            raise refusals.STREAM_CHANGED.error(first=start, last=stop - 1)
        return array


def is_stream(images: Any) -> bool:
    """Say whether images are to be read slice by slice: a memory map, or slices that are arrays."""
    if isinstance(images, np.memmap):
        return True
    if isinstance(images, list | tuple | str | bytes | Mapping) or hasattr(images, "__array__"):
        return False
    return hasattr(images, "__len__") and hasattr(images, "__getitem__")
