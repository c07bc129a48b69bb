"""Checks of arrays and keys."""

import functools
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from slugkit import refusals


def check_images(images: Any, shape: tuple[int, ...] | None = None) -> Float[np.ndarray, "n ..."]:
    """Return the images as an array of shape (n, ...), or say what is wrong with them.

    Raises
    ------
    InputError
        There are no images, they are not of a floating type or not finite, some values are masked,
        or their shape is not the given one.
    """
    array = _as_array(images)
    if array.shape == shape:
        raise refusals.IMAGES_ONE.error(shape=shape)
    if array.ndim < 2 or array.size == 0:
        raise refusals.IMAGES_SHAPE.error(shape=array.shape)
    if not jnp.issubdtype(array.dtype, jnp.floating):
        raise refusals.IMAGES_TYPE.error(dtype=array.dtype)
    if shape is not None and array.shape[1:] != shape:
        raise refusals.IMAGES_OTHER_SHAPE.error(given=array.shape[1:], fitted=shape)
    finite = np.isfinite(array.reshape(len(array), -1)).all(axis=1)
    if not finite.all():
        raise refusals.IMAGE_NOT_FINITE.of_image(np.argmin(finite))
    return array


def check_key(key: Any) -> None:
    """Raise an InputError unless it is one random key of JAX, of the new or the old kind."""
    kind, shape = getattr(key, "dtype", None), getattr(key, "shape", None)
    if kind is not None and jnp.issubdtype(kind, jax.dtypes.prng_key):
        if shape == ():
            return
        given = f"an array of {key.size} keys"
    elif kind == jnp.uint32 and shape is not None:
        if shape == _shape_of_old_key():
            return
        given = f"an array of shape {shape}"
    else:
        plain = key is None or isinstance(key, bool | int | float | str)
        given = repr(key) if plain else f"of type {type(key).__name__}"
    raise refusals.KEY.error(given=given)


def check_not_traced(function: str, **given: Any) -> None:
    """Raise an InputError if a function is called, or a pytree was made, under jit, vmap or grad.

    Parameters
    ----------
    function
        Its name.
    **given
        What it was given, by name.
    """
    for name, tree in given.items():
        # JAX warns of a generator.
        leaves = [] if isinstance(tree, Iterator) else jax.tree.leaves(tree)
        if any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
            raise refusals.TRACED.error(name=name, function=function)
    # Under jit even a constant is traced.
    if isinstance(jnp.zeros(()), jax.core.Tracer):
        raise refusals.TRACED.error(name=f"the call of {function}", function="it")


def _as_array(images: Any) -> np.ndarray:
    parts = images if isinstance(images, list | tuple) else [images]
    masked = sum(
        int(np.ma.count_masked(one)) for one in parts if isinstance(one, np.ma.MaskedArray)
    )
    if masked:
        raise refusals.IMAGES_MASKED.error(masked=masked)
    if not (isinstance(images, list | tuple) or hasattr(images, "__array__")):
        raise refusals.IMAGES_KIND.error(given=_kind(images))
    if isinstance(images, list | tuple):
        shapes = [np.shape(one) for one in images if hasattr(one, "__array__")]
        for number, one in enumerate(shapes):
            if one != shapes[0]:
                raise refusals.IMAGES_UNEQUAL.error(
                    first=0, second=number, one=shapes[0], other=one
                )
    try:
        array = np.asarray(images)
    except ValueError as error:  # nested lists of unequal lengths
        raise refusals.IMAGES_KIND.error(given="a list of lists of unequal lengths") from error
    if array.dtype.kind in "OSU":
        raise refusals.IMAGES_KIND.error(given=_kind(images))
    return array


def _kind(images: Any) -> str:
    if images is None:
        return "None"
    if isinstance(images, str) or hasattr(images, "__fspath__"):
        return f"the path {str(images)!r}"
    if isinstance(images, list | tuple) and images:
        return f"a {type(images).__name__} of {type(images[0]).__name__}"
    return f"of type {type(images).__name__}"


@functools.cache
def _shape_of_old_key() -> tuple[int, ...]:
    return jax.eval_shape(jax.random.PRNGKey, 0).shape
