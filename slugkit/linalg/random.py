"""Random vectors that depend on a key and their number alone, however they are grouped."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float


def seed_from(key: jax.Array) -> int:
    """Return a seed for NumPy, whose generator is the faster one on the host."""
    high, low = np.asarray(jax.random.bits(key, (2,), jnp.uint32))
    return (int(high) << 32) + int(low)


def normals(seed: int, samples: range, size: int, dtype: Any) -> Float[np.ndarray, "s p"]:
    """Return standard normal vectors, number s from the seed and s.

    >>> first = normals(0, range(2), 3, np.float32)
    >>> bool((normals(0, range(1, 2), 3, np.float32)[0] == first[1]).all())
    True
    """
    vectors = np.empty((len(samples), size), dtype)
    for row, sample in zip(vectors, samples, strict=True):
        row[:] = np.random.default_rng([seed, sample]).standard_normal(size, np.float32)
    return vectors
