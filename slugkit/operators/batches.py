"""Images in equal batches, spread over the devices, and functions of them batch by batch."""

import math
from collections.abc import Callable, Hashable, Iterator
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

DEFAULT_BATCH_SIZE = 32


class Batch(NamedTuple):
    """Some images, padded to the common size by repeating the last one."""

    images: Float[jax.Array, "b ..."]
    mask: Float[jax.Array, " b"]  # 1 for an image and 0 for padding
    start: int  # the position of the first image among all images
    size: int  # the number of images without the padding


class Images(Protocol):
    """Anything with a length n whose slices are arrays (m, ...)."""

    def __len__(self) -> int:
        """Return n."""
        ...

    def __getitem__(self, where: slice, /) -> Float[np.ndarray, "m ..."]:
        """Return some of the images."""
        ...


def batches(images: Images, batch_size: int | None = None) -> Iterator[Batch]:
    """Yield the images in batches of one common size, so that each function is compiled once.

    The images are spread evenly: 70 images with a batch size of 64 make two batches of 35.
    With several devices each batch is split over them.
    """
    size = common_size(len(images), batch_size)
    for start in range(0, len(images), size):
        part = images[start : start + size]
        padding = np.repeat(part[-1:], size - len(part), axis=0)
        mask = (np.arange(size) < len(part)).astype(part.dtype)
        yield Batch(split(np.concatenate([part, padding])), split(mask), start, len(part))


def common_size(count: int, batch_size: int | None = None) -> int:
    """Return the size of the batches of a number of images.

    >>> common_size(70, 64)
    35
    """
    devices = len(jax.devices())
    number = math.ceil(count / (batch_size or DEFAULT_BATCH_SIZE))
    return math.ceil(math.ceil(count / number) / devices) * devices


def outputs_by_batch(
    function: Callable[[Any, jax.Array], Any],
    params: Any,
    images: Float[np.ndarray, "n ..."],
    batch_size: int | None = None,
) -> Iterator[tuple[Batch, Any]]:
    """Yield each batch and what the function, compiled, returns for it, padding included."""
    plain = function if isinstance(function, Hashable) else lambda *given: function(*given)
    compiled = jax.jit(plain)
    for batch in batches(images, batch_size):
        yield batch, compiled(params, batch.images)


def evaluate(
    function: Callable[[Any, jax.Array], Any],
    params: Any,
    images: Float[np.ndarray, "n ..."],
    batch_size: int | None = None,
) -> Any:
    """Return function(params, images), a pytree of arrays (n, ...), computed batch by batch.

    >>> evaluate(lambda factor, x: factor * x, 2.0, np.ones((3, 1)), batch_size=2).ravel().tolist()
    [2.0, 2.0, 2.0]
    """
    parts = [
        jax.tree.map(lambda leaf, size=batch.size: np.asarray(leaf)[:size], made)
        for batch, made in outputs_by_batch(function, params, images, batch_size)
    ]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


def split(array: np.ndarray) -> jax.Array:
    """Return an array (b, ...) in equal parts on the devices, or on as many as divide b."""
    sharding = _over_devices(len(array), "images")
    return jnp.asarray(array) if sharding is None else jax.device_put(array, sharding)


def repeat(tree: Any, batch_size: int) -> Any:
    """Return a pytree on each of the devices over which `split` spreads a batch of that size."""
    sharding = _over_devices(batch_size)
    return tree if sharding is None else jax.device_put(tree, sharding)


def _over_devices(batch_size: int, *axes: str) -> jax.sharding.NamedSharding | None:
    devices = jax.devices()[: math.gcd(batch_size, len(jax.devices()))]
    if len(devices) == 1:
        return None
    mesh = jax.sharding.Mesh(np.asarray(devices), ("images",))
    return jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(*axes))
