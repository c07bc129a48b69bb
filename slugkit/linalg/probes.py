"""Random probes of a matrix that is known by its products, and averages over them."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Float

from slugkit.errors import InputError
from slugkit.linalg.estimates import Estimate, mean

# Maps rows (m, D) to A times each of them; need not be a function that jax can trace.
Product = Callable[[jax.Array], Any]
# A value and its standard error.
Pair = tuple[jax.Array, jax.Array]

DISTRIBUTIONS = ("rademacher", "gaussian", "sphere")
PROBES_PER_BLOCK = 16


def probes(
    key: jax.Array, count: int, size: int, distribution: str = "rademacher", dtype: Any = None
) -> Float[jax.Array, "m D"]:
    """Draw random vectors (count, size) with mean zero and covariance I.

    "rademacher" has entries of +-1, "gaussian" is standard normal, and "sphere" is uniform on the
    sphere of radius sqrt(size).

    Raises
    ------
    InputError
        The distribution has another name.
    """
    if distribution == "rademacher":
        return jax.random.rademacher(key, (count, size), jnp.result_type(dtype or float))
    normals = jax.random.normal(key, (count, size), jnp.result_type(dtype or float))
    if distribution == "gaussian":
        return normals
    if distribution == "sphere":
        norms = jnp.linalg.norm(normals, axis=1, keepdims=True)
        return normals * (jnp.sqrt(size).astype(normals.dtype) / norms)
    raise InputError(f"distribution is {distribution!r}; choose one of {', '.join(DISTRIBUTIONS)}")


def average(
    values: Callable[[Float[jax.Array, "m D"]], Any],
    size: int,
    num_probes: int | None,
    key: jax.Array,
    *,
    distribution: str,
    dtype: Any = None,
    stop: Callable[[Estimate], bool] | None = None,
) -> Estimate:
    """Average a function of random probes, block by block.

    Parameters
    ----------
    values
        Maps probes (m, D) to values (m, ...), one evaluation of the matrix each.
    size
        The length D of a probe.
    num_probes
        How many; None to go on until `stop`.
    key
        For the probes, which do not depend on when the average ends.
    distribution, dtype
        As for `probes`.
    stop
        Asked after each block whether the average is good enough.
    """
    made: list[Any] = []
    spent = 0
    while True:
        left = PROBES_PER_BLOCK if num_probes is None else num_probes - spent
        count = min(PROBES_PER_BLOCK, left)
        # A whole block each time: another shape would be compiled anew.
        block = probes(
            jax.random.fold_in(key, len(made)), PROBES_PER_BLOCK, size, distribution, dtype
        )
        made.append(values(block[:count]))
        spent += count
        if spent == num_probes or stop is not None:
            # On the host or on the device, wherever the values are.
            estimate = mean(made[0].__array_namespace__().concat(made), spent)
            if spent == num_probes or (stop is not None and stop(estimate)):
                return estimate


def check_num_products(num_products: int | None, least: int) -> None:
    """Raise an InputError if there are fewer products than the least that makes an estimate."""
    if num_products is not None and num_products < least:
        raise InputError(
            f"num_products is {num_products}; this estimator needs at least {least} products"
        )


@jax.jit
def mean_and_error(samples: Float[jax.Array, "m ..."]) -> Pair:
    """Return the mean over the first axis and its standard error."""
    value, error, _ = mean(samples, len(samples))
    return value, error


@jax.jit
def orthonormal(rows: Float[jax.Array, "m D"]) -> Pair:
    """Return an orthonormal basis of the rows (m, D), as rows, and their triangular factor."""
    q, r = jnp.linalg.qr(rows.T)
    return q.T, r
