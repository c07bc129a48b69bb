"""Checks of arrays and keys."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from slugkit.errors import InputError


def check_images(images: Any, shape: tuple[int, ...] | None = None) -> Float[np.ndarray, "n ..."]:
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


def check_key(key: Any) -> None:
    """Raise an InputError unless it is one random key of JAX, of the new or the old kind."""
    kind = getattr(key, "dtype", None)
    if kind is not None and jnp.issubdtype(kind, jax.dtypes.prng_key) and key.shape == ():
        return
    if kind == jnp.uint32 and key.ndim == 1:
        return
    raise InputError(f"key is {key!r}; give one random key of JAX, such as jax.random.key(0)")
