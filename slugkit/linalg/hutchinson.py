"""Hutchinson's estimator of the trace."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Float

from slugkit.linalg.estimates import Estimate
from slugkit.linalg.probes import Product, average, check_num_products

# Maps rows x (m, D) to x^T A x (m, ...).
Forms = Callable[[jax.Array], Any]


def hutchinson(
    forms: Forms,
    size: int,
    num_products: int | None,
    key: jax.Array,
    *,
    distribution: str = "rademacher",
    dtype: Any = None,
    stop: Callable[[Estimate], bool] | None = None,
) -> Estimate:
    r"""Estimate the trace as the mean of quadratic forms.

    .. math:: \mathrm{Tr}(A) \approx \frac{1}{S} \sum_s \epsilon_s^T A \epsilon_s

    It needs nothing of A but these forms: for :math:`A = B B^T` they are :math:`|B^T \epsilon|^2`,
    at half the price of a product.

    Parameters
    ----------
    forms
        Maps probes (m, D) to their forms (m,), or to those of several matrices (m, ...); see
        `forms_of` for a matrix that is known by its product.
    size
        The number of rows D.
    num_products
        The number S of forms; None to go on until `stop`.
    key
        For the probes.
    distribution, dtype
        As for `slugkit.linalg.probes.probes`.
    stop
        Asked after each block of probes whether the estimate is good enough.

    References
    ----------
    Hutchinson, Communications in Statistics 19 (1990); the paper's equation 7.

    Examples
    --------
    >>> matrix = jnp.diag(jnp.arange(4.0))
    >>> float(hutchinson(forms_of(lambda x: x @ matrix), 4, 3, jax.random.key(0)).value)
    6.0
    """
    check_num_products(num_products, 1)
    return average(
        forms, size, num_products, key, distribution=distribution, dtype=dtype, stop=stop
    )


def forms_of(product: Product) -> Forms:
    """Return x -> x^T A x for a product x -> A x."""
    return lambda x: _forms(x, product(x))


@jax.jit
def _forms(x: Float[jax.Array, "m D"], image: Float[jax.Array, "m D"]) -> Float[jax.Array, " m"]:
    return jnp.sum(x * image, axis=1)
