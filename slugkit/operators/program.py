"""What a model computes, as JAX traces it."""

import functools
import hashlib
import re
from collections.abc import Hashable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from slugkit.operators.jacobian import Apply
from slugkit.operators.parameters import FlatParameters, Layout

# Where a function is in memory, which is no part of what it computes.
ADDRESS = re.compile(r"0x[0-9a-f]+")
# The units of rounding of products of float32 on accelerators, as JAX has them made: with the ten
# bits of TensorFloat-32, or in bfloat16. And what JAX is told for more.
OF_PRODUCTS = {"gpu": 2.0**-10, "tpu": 2.0**-7}
IN_FULL = ("high", "highest", "float32")


def equations(jaxpr: Any) -> Iterator[Any]:
    """Yield all equations of a traced function, those of inner functions included."""
    for equation in jaxpr.eqns:
        yield equation
        for inner in jax.tree.leaves(equation.params, is_leaf=lambda one: hasattr(one, "eqns")):
            if hasattr(inner, "eqns"):
                yield from equations(inner)


def primitives(jaxpr: Any) -> set[str]:
    """Return the names of all primitives of a traced function.

    >>> sorted(primitives(jax.make_jaxpr(lambda x: jnp.exp(x) + 1)(1.0)))
    ['add', 'exp']
    """
    return {equation.primitive.name for equation in equations(jaxpr)}


def draws(jaxpr: Any) -> bool:
    """Say whether a traced function draws random numbers."""
    return any(name.startswith(("random_", "threefry", "rng_")) for name in primitives(jaxpr))


def coarsest_float(jaxpr: Any) -> float:
    """Return the unit of rounding of the coarsest type that a traced function computes in.

    >>> coarsest_float(jax.make_jaxpr(lambda x: jnp.sin(x.astype(jnp.bfloat16)))(1.0))
    0.0078125
    """
    return max(
        float(jnp.finfo(kind).eps)
        for kind in _kinds(jaxpr) | {jnp.dtype(jnp.float32)}
        if jnp.issubdtype(kind, jnp.floating)
    )


def rounding_of_products(jaxpr: Any) -> float:
    """Return the unit of rounding with which the device multiplies float32, or 0 if in full."""
    in_full = jnp.dtype(jnp.float32) not in _kinds(jaxpr) or _precision() in IN_FULL
    return 0.0 if in_full else OF_PRODUCTS.get(jax.default_backend(), 0.0)


def _kinds(jaxpr: Any) -> set[Any]:
    variables = [one.aval for made in equations(jaxpr) for one in made.outvars]
    return {aval.dtype for aval in variables if hasattr(aval, "dtype")}


def _precision() -> str | None:
    return jax.config.jax_default_matmul_precision  # type: ignore[attr-defined]


def rounding_of(apply: Apply, parameters: FlatParameters, image_shape: tuple[int, ...]) -> float:
    """Return the unit of rounding of the coarsest type that a model computes or multiplies in."""
    kept = _rounding if isinstance(apply, Hashable) else _rounding.__wrapped__
    return kept(apply, parameters.layout, image_shape, parameters.dtype, _precision())


@functools.lru_cache(maxsize=8)
def _rounding(
    apply: Apply, layout: Layout, image_shape: tuple[int, ...], dtype: Any, _: str | None
) -> float:
    jaxpr = _trace(apply, layout, image_shape, dtype).jaxpr
    return max(coarsest_float(jaxpr), rounding_of_products(jaxpr))


def _trace(apply: Apply, layout: Layout, image_shape: tuple[int, ...], dtype: Any) -> Any:
    leaves = map(jax.ShapeDtypeStruct, layout.shapes, layout.dtypes)
    image = jax.ShapeDtypeStruct((1, *image_shape), dtype)
    # A function of its own, as JAX keeps what it has traced.
    traced = jax.make_jaxpr(lambda tree, images: apply(tree, images))
    return traced(jax.tree.unflatten(layout.treedef, leaves), image)


def program_digest(apply: Apply, parameters: FlatParameters, image_shape: tuple[int, ...]) -> str:
    """Return a digest of what a model computes for an image, and of the arrays it closes over.

    The values of the parameters are no part of it.
    """
    traced = _trace(apply, parameters.layout, image_shape, parameters.dtype)
    digest = hashlib.sha256(ADDRESS.sub("", str(traced.jaxpr)).encode())
    for constant in traced.consts:
        digest.update(np.ascontiguousarray(constant).tobytes())
    return digest.hexdigest()
