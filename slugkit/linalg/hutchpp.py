"""Hutch++: the trace, exactly on a sketch of the range and by probes on the rest."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Float

from slugkit.linalg.estimates import Estimate
from slugkit.linalg.probes import (
    Pair,
    Product,
    check_num_products,
    mean_and_error,
    orthonormal,
    probes,
)

Rows = Float[jax.Array, "m D"]


def hutchpp(
    product: Product, size: int, num_products: int, key: jax.Array, *, dtype: Any = None
) -> Estimate:
    r"""Estimate the trace exactly on a sketch of the range, and by probes on the rest.

    .. math:: \mathrm{Tr}(A) = \mathrm{Tr}(Q^T A Q) + \mathrm{Tr}((I - Q Q^T) A (I - Q Q^T)),
              \qquad Q = \mathrm{orth}(A \Omega)

    References
    ----------
    Meyer, Musco, Musco, Woodruff, Hutch++, SOSA 2021.
    """
    check_num_products(num_products, 3)
    third = min(num_products // 3, size)
    key_range, key_rest = jax.random.split(key)
    q, _ = orthonormal(product(probes(key_range, third, size, dtype=dtype)))
    known = product(q)
    x = _outside(probes(key_rest, num_products - 2 * third, size, dtype=dtype), q)
    value, error = _estimate(x, product(x), q, known)
    return Estimate(value, error, num_products)


@jax.jit
def _outside(x: Rows, q: Rows) -> Rows:
    return x - (x @ q.T) @ q


@jax.jit
def _estimate(x: Rows, image: Rows, q: Rows, known: Rows) -> Pair:
    """Return the estimate, given A x and A Q."""
    value, error = mean_and_error(jnp.sum(x * image, axis=1))
    return jnp.sum(q * known) + value, error
