"""XNysDiag: the diagonal by Nystrom approximations, each probe in turn left out for the rest."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Float

from slugkit.linalg.estimates import Estimate
from slugkit.linalg.nystrom import nystrom
from slugkit.linalg.probes import Pair, Product, check_num_products, mean_and_error, probes

Rows = Float[jax.Array, "m D"]


def xnysdiag(
    product: Product,
    size: int,
    num_products: int,
    key: jax.Array,
    *,
    dtype: Any = None,
    rounding: float = 0.0,
) -> Estimate:
    r"""Estimate the diagonal by Nystrom approximations, each probe in turn left out for the rest.

    .. math:: \mathrm{diag}(A) \approx \frac{1}{m} \sum_i \left[ \mathrm{diag}(A_i)
              + \omega_i \odot (A - A_i) \omega_i \right]

    with :math:`A_i` as for `slugkit.linalg.xnystrace`. The standard error treats the terms as
    independent, which they nearly are.

    The products with A are off by the given relative rounding, if it is above that of their type.

    References
    ----------
    Epperly, Tropp, Webber, SIAM J. Matrix Anal. Appl. 45 (2024), section 4.
    """
    check_num_products(num_products, 2)
    m = min(num_products, size)
    omega = probes(key, m, size, "rademacher", dtype)
    value, error = _estimate(omega, product(omega), rounding)
    return Estimate(value, error, m)


@jax.jit
def _estimate(omega: Rows, image: Rows, rounding: float) -> Pair:
    made = nystrom(omega.T, image.T, rounding)
    without = jnp.sum(made.root**2, axis=1)[:, None] - made.z**2 / made.d
    rest = made.omega * made.z / made.d
    return mean_and_error((without + rest - made.shift).T)
