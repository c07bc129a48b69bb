"""XTrace: the trace, each probe serving both the range and, left out of it, the rest."""

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


def xtrace(
    product: Product, size: int, num_products: int, key: jax.Array, *, dtype: Any = None
) -> Estimate:
    r"""Estimate the trace with every probe serving both the range and, left out of it, the rest.

    .. math:: \mathrm{Tr}(A) \approx \frac{1}{m} \sum_i \left[ \mathrm{Tr}(Q_i^T A Q_i)
              + \frac{D - m + 1}{|u_i|^2} u_i^T A u_i \right],
              \qquad Q_i = \mathrm{orth}(A \Omega_{-i}), \quad u_i = (I - Q_i Q_i^T) \omega_i

    References
    ----------
    Epperly, Tropp, Webber, XTrace: making the most of every sample in stochastic trace estimation,
    SIAM J. Matrix Anal. Appl. 45 (2024).
    """
    check_num_products(num_products, 4)
    m = min(num_products // 2, size)
    omega = probes(key, m, size, "gaussian", dtype)
    q, r = orthonormal(product(omega))
    value, error = _estimate(omega, q, r, product(q))
    return Estimate(value, error, 2 * m)


@jax.jit
def _estimate(omega: Rows, q: Rows, r: Float[jax.Array, "m m"], image: Rows) -> Pair:
    """Return the estimate, given probes, Q, R and A Q."""
    omega, q, image = omega.T, q.T, image.T
    size, m = omega.shape
    h = q.T @ image
    # Without probe i the range loses the direction Q s_i, the i-th column of R^-T normalised.
    s = jnp.linalg.inv(r).T
    s = s / jnp.linalg.norm(s, axis=0)
    w = q.T @ omega
    c = w - s * jnp.sum(s * w, axis=0)  # Q_i Q_i^T omega_i = Q c_i
    form = jnp.sum((w - 2 * c) * r, axis=0) + jnp.sum(c * (h @ c), axis=0)
    squared_norm = jnp.sum(omega**2, axis=0) - jnp.sum(c**2, axis=0)
    scale = (size - m + 1) / squared_norm
    known = jnp.trace(h) - jnp.sum(s * (h @ s), axis=0)
    return mean_and_error(known + scale * form)
