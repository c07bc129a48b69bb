"""XNysTrace: the trace by Nystrom approximations, each probe in turn left out for the rest."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Float

from slugkit.linalg.estimates import Estimate
from slugkit.linalg.nystrom import nystrom
from slugkit.linalg.probes import Pair, Product, check_num_products, mean_and_error, probes

Rows = Float[jax.Array, "m D"]


def xnystrace(
    product: Product,
    size: int,
    num_products: int,
    key: jax.Array,
    *,
    dtype: Any = None,
    rounding: float = 0.0,
) -> Estimate:
    r"""Estimate the trace by Nystrom approximations, each probe in turn left out for the rest.

    .. math:: \mathrm{Tr}(A) \approx \frac{1}{m} \sum_i \left[ \mathrm{Tr}(A_i)
              + \frac{D - m + 1}{|u_i|^2} \omega_i^T (A - A_i) \omega_i \right], \qquad
              A_i = A \Omega_{-i} (\Omega_{-i}^T A \Omega_{-i})^{-1} (A \Omega_{-i})^T

    where :math:`u_i` is the part of :math:`\omega_i` outside of the span of the others.

    The products with A are off by the given relative rounding, if it is above that of their type.

    References
    ----------
    Epperly, Tropp, Webber, SIAM J. Matrix Anal. Appl. 45 (2024), section 2.3.
    """
    check_num_products(num_products, 2)
    m = min(num_products, size)
    omega = probes(key, m, size, "gaussian", dtype)
    value, error = _estimate(omega, product(omega), rounding)
    return Estimate(value, error, m)


@jax.jit
def _estimate(omega: Rows, image: Rows, rounding: float) -> Pair:
    made = nystrom(omega.T, image.T, rounding)
    size, m = made.omega.shape
    without = jnp.sum(made.root**2) - jnp.sum(made.z**2, axis=0) / made.d
    outside = 1 / jnp.diag(jnp.linalg.inv(made.omega.T @ made.omega))
    rest = (size - m + 1) / outside / made.d
    return mean_and_error(without + rest - made.shift * size)
