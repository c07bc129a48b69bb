"""Nystrom approximations of which each probe in turn is left out."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Float

Columns = Float[jax.Array, "D m"]


class Nystrom(NamedTuple):
    r"""The approximation F F^T of A + shift I, and what removing one probe takes away from it.

    With :math:`H = \Omega^T Y` and :math:`Z = Y H^{-1}`, leaving out probe i subtracts
    :math:`z_i z_i^T / d_i` from it, where d is the diagonal of :math:`H^{-1}`; and the matrix less
    that approximation maps :math:`\omega_i` to :math:`z_i / d_i`.
    """

    omega: Columns
    root: Columns  # F
    z: Columns
    d: Float[jax.Array, " m"]
    shift: Float[jax.Array, ""]


def nystrom(omega: Columns, y: Columns, rounding: float = 0.0) -> Nystrom:
    """Return the approximation from probes and their products with A, which may be rounded."""
    # A small multiple of the identity keeps H positive definite in spite of rounding errors.
    shift = jnp.maximum(jnp.finfo(y.dtype).eps, rounding).astype(y.dtype) * jnp.linalg.norm(y)
    y = y + shift * omega
    h = omega.T @ y
    lower = jnp.linalg.cholesky((h + h.T) / 2)
    root = jax.scipy.linalg.solve_triangular(lower, y.T, lower=True).T
    inverse = jax.scipy.linalg.solve_triangular(lower, jnp.eye(len(h), dtype=h.dtype), lower=True)
    z = root @ inverse
    return Nystrom(omega, root, z, jnp.sum(inverse**2, axis=0), shift)
