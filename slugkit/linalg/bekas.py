"""The estimator of the diagonal by Bekas, Kokiopoulou and Saad."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from slugkit.linalg.estimates import Estimate
from slugkit.linalg.probes import Product, average, check_num_products


def bekas(
    product: Product,
    size: int,
    num_products: int | None,
    key: jax.Array,
    *,
    distribution: str = "rademacher",
    dtype: Any = None,
    stop: Callable[[Estimate], bool] | None = None,
) -> Estimate:
    r"""Estimate the diagonal as the mean of entrywise products.

    .. math:: \mathrm{diag}(A) \approx \frac{1}{S} \sum_s \epsilon_s \odot A \epsilon_s

    Parameters
    ----------
    product
        Maps probes (m, D) to A times each of them.
    size
        The number of rows D.
    num_products
        The number S; None to go on until `stop`.
    key
        For the probes.
    distribution, dtype
        As for `slugkit.linalg.probes.probes`.
    stop
        Asked after each block of probes whether the estimate is good enough.

    References
    ----------
    Bekas, Kokiopoulou, Saad, Applied Numerical Mathematics 57 (2007).

    Examples
    --------
    >>> matrix = jnp.diag(jnp.arange(4.0))
    >>> bekas(lambda x: x @ matrix, 4, 3, jax.random.key(0)).value.tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    check_num_products(num_products, 1)

    def entries(x: jax.Array) -> Any:
        image = product(x)
        # What is on the host stays there.
        return np.asarray(x) * image if isinstance(image, np.ndarray) else jnp.multiply(x, image)

    return average(
        entries, size, num_products, key, distribution=distribution, dtype=dtype, stop=stop
    )
