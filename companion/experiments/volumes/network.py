"""A small variational autoencoder of images or volumes.

Its convolutions have windows of two voxels that do not overlap, so that each is one matrix product,
which is fast on a processor in any number of dimensions.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from companion.experiments.volumes.settings import BATCH_SIZE

WIDTHS, LATENT = (8, 16, 32), 24
LIKELIHOOD_VARIANCE = 0.005
LEARNING_RATE = 3e-3

Params = dict[str, Any]


def initialise(shape: tuple[int, ...], key: jax.Array) -> Params:
    """Return the parameters for images of such a shape, its sides multiples of 8."""
    window = 2 ** len(shape)
    coarsest = int(np.prod(shape)) // window ** len(WIDTHS) * WIDTHS[-1]
    sizes = {"mean": (coarsest, LATENT), "log_variance": (coarsest, LATENT)}
    sizes["latent"] = (LATENT, coarsest)
    for level, (finer, coarser) in enumerate(zip((1, *WIDTHS), WIDTHS, strict=False)):
        sizes[f"down{level}"] = (window * finer, coarser)
        sizes[f"up{level}"] = (coarser, window * finer)
    keys = jax.random.split(key, len(sizes))
    return {
        name: {
            "kernel": jax.random.normal(one, size) / size[0] ** 0.5,
            "bias": jnp.zeros(size[1]),
        }
        for one, (name, size) in zip(keys, sizes.items(), strict=True)
    }


def reconstruct(params: Params, images: jax.Array) -> jax.Array:
    """Decode the latent mean of images (n, ..., 1)."""
    mean, _ = _encode(params, images)
    return _decode(params, mean, images.shape)


def train(params: Params, images: np.ndarray, steps: int, key: jax.Array) -> Params:
    """Return the parameters after so many steps of Adam on the negative evidence lower bound."""
    adam = optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, steps))

    def step(state: Any, key: jax.Array) -> tuple[Any, jax.Array]:
        params, moments = state
        chosen, noise = jax.random.split(key)
        batch = jax.random.choice(chosen, jnp.asarray(images), (BATCH_SIZE,), replace=False)
        loss, gradient = jax.value_and_grad(_loss)(params, batch, noise)
        updates, moments = adam.update(gradient, moments)
        return (optax.apply_updates(params, updates), moments), loss

    # No convolution is in the loop, which XLA would make slow on a processor.
    run: Callable[..., Any] = jax.jit(lambda state, keys: jax.lax.scan(step, state, keys))
    (params, _), _ = run((params, adam.init(params)), jax.random.split(key, steps))
    return params


def _loss(params: Params, images: jax.Array, key: jax.Array) -> jax.Array:
    mean, log_variance = _encode(params, images)
    noise = jax.random.normal(key, mean.shape)
    made = _decode(params, mean + jnp.exp(0.5 * log_variance) * noise, images.shape)
    divergence = 0.5 * jnp.sum(mean**2 + jnp.exp(log_variance) - 1 - log_variance)
    error = jnp.sum((made - images) ** 2) / (2 * LIKELIHOOD_VARIANCE)
    return (error + divergence) / len(images)


def _encode(params: Params, images: jax.Array) -> tuple[jax.Array, jax.Array]:
    x = images - 0.5
    for level in range(len(WIDTHS)):
        x = jax.nn.elu(_affine(params[f"down{level}"], _to_windows(x)))
    x = x.reshape(len(x), -1)
    return _affine(params["mean"], x), jnp.clip(_affine(params["log_variance"], x), -10, 5)


def _decode(params: Params, latent: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    sides = [side // 2 ** len(WIDTHS) for side in shape[1:-1]]
    x = _affine(params["latent"], latent).reshape(len(latent), *sides, WIDTHS[-1])
    for level in reversed(range(len(WIDTHS))):
        x = _from_windows(_affine(params[f"up{level}"], jax.nn.elu(x)))
    return jax.nn.sigmoid(x)


def _affine(layer: Params, x: jax.Array) -> jax.Array:
    return x @ layer["kernel"] + layer["bias"]


def _to_windows(x: jax.Array) -> jax.Array:
    """Gather the channels of each window of two: (n, s, ..., c) to (n, s / 2, ..., 2^d c)."""
    sides = x.shape[1:-1]
    x = x.reshape(len(x), *(part for side in sides for part in (side // 2, 2)), x.shape[-1])
    whole, halves = range(1, 2 * len(sides), 2), range(2, 2 * len(sides) + 1, 2)
    x = x.transpose(0, *whole, *halves, x.ndim - 1)
    return x.reshape(len(x), *(side // 2 for side in sides), -1)


def _from_windows(x: jax.Array) -> jax.Array:
    """Undo `_to_windows`."""
    sides = x.shape[1:-1]
    d = len(sides)
    x = x.reshape(len(x), *sides, *d * (2,), -1)
    pairs = (axis for i in range(d) for axis in (1 + i, 1 + d + i))
    return x.transpose(0, *pairs, 2 * d + 1).reshape(len(x), *(2 * side for side in sides), -1)
