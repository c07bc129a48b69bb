"""Images in equal batches, spread over the devices."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from slugkit.errors import InputError

DEFAULT_BATCH_SIZE = 32


class Batch(NamedTuple):
    """Some images, padded to the common size by repeating the last one."""

    images: jax.Array  # (b, ...)
    mask: jax.Array  # (b,), 1 for an image and 0 for padding
    start: int  # the position of the first image among all images
    size: int  # the number of images without the padding


def batches(images: np.ndarray, batch_size: int | None = None) -> Iterator[Batch]:
    """Yield the images in batches of one common size, so that each function is compiled once.

    The images are spread evenly: 70 images with a batch size of 64 make two batches of 35.
    With several devices each batch is split over them.
    """
    devices = jax.devices()
    count = math.ceil(len(images) / (batch_size or DEFAULT_BATCH_SIZE))
    size = math.ceil(math.ceil(len(images) / count) / len(devices)) * len(devices)
    for start in range(0, len(images), size):
        part = images[start : start + size]
        padding = np.repeat(part[-1:], size - len(part), axis=0)
        mask = (np.arange(size) < len(part)).astype(images.dtype)
        yield Batch(_place(np.concatenate([part, padding])), _place(mask), start, len(part))


def _place(array: np.ndarray) -> jax.Array:
    devices = jax.devices()
    if len(devices) == 1:
        return jnp.asarray(array)
    mesh = jax.sharding.Mesh(np.asarray(devices), ("images",))
    spec = jax.sharding.PartitionSpec("images")
    return jax.device_put(array, jax.sharding.NamedSharding(mesh, spec))


def check_images(images: Any, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Return the images as an array of shape (n, ...), or say what is wrong with them.

    Raises
    ------
    InputError
        There are no images, they are not of a floating type or not finite, or their shape is not
        the given one.
    """
    array = np.asarray(images)
    if array.ndim < 2 or len(array) == 0:
        raise InputError(
            f"images have shape {array.shape}; give at least one image, the first axis counting "
            "them, such as (n, height, width, channels)"
        )
    if not np.issubdtype(array.dtype, np.floating):
        raise InputError(
            f"images have type {array.dtype}; give floating-point values of the range that the "
            "model was trained on, such as images.astype('float32') / 255"
        )
    if shape is not None and array.shape[1:] != shape:
        raise InputError(
            f"each image has shape {array.shape[1:]}, but the posterior was fitted to images of "
            f"shape {shape}; resize them"
        )
    finite = np.isfinite(array.reshape(len(array), -1)).all(axis=1)
    if not finite.all():
        raise InputError(
            f"image {int(np.argmin(finite))} has values that are not finite; remove or repair it"
        )
    return array


def check_batch_size(batch_size: int | None) -> None:
    """Raise an InputError unless the batch size is a positive number or None."""
    if batch_size is not None and batch_size < 1:
        raise InputError(f"batch_size is {batch_size}; give a number of at least 1")
