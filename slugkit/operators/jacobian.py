"""The Jacobian of a model in its parameters, by its products."""

from collections.abc import Callable, Hashable, Iterator
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from slugkit import refusals
from slugkit.operators.parameters import FlatParameters, Layout

# apply(params, images) returns outputs whose first axis counts the images.
Apply = Callable[[Any, jax.Array], jax.Array]
# v -> J v
Linear = Callable[[jax.Array], jax.Array]
# images -> (outputs, v -> J v)
Lineariser = Callable[[jax.Array], tuple[jax.Array, Linear]]


def lineariser(apply: Apply, parameters: FlatParameters) -> Lineariser:
    r"""Return a function that linearises the model at its parameters for a batch of images.

    .. math:: f(\theta + v, x) \approx f(\theta, x) + J(x) v

    The returned function maps images (b, ...) to the outputs (b, ...) and the linear map
    v -> J(x) v, which holds on to the activations of the batch: products with it repeat neither
    the forward pass nor the compilation. The compiled functions of the last few models are kept.
    Outputs and tangents have at least 32 bits, whatever the model computes in, so that sums of
    them have.
    """
    linearise = compiled(apply, parameters.layout)
    vector, fixed = parameters.vector, parameters.fixed
    return lambda images: linearise(vector, fixed, images)


def compiled(apply: Apply, layout: Layout) -> Any:
    """Return the compiled (vector, fixed leaves, images) -> (outputs, v -> J v) of a model."""
    return (_compiled if isinstance(apply, Hashable) else _compiled.__wrapped__)(apply, layout)


@lru_cache(maxsize=8)
def _compiled(apply: Apply, layout: Layout) -> Any:

    def linearise(vector: jax.Array, fixed: list[Any], images: jax.Array) -> Any:
        return jax.linearize(lambda v: _wide(apply(layout.to_tree(v, fixed), images)), vector)

    return jax.jit(linearise)


def _wide(outputs: jax.Array) -> jax.Array:
    return outputs.astype(jnp.float32) if outputs.dtype.itemsize < 4 else outputs


@jax.jit
def push(jvp: Linear, vector: Float[jax.Array, " p"]) -> Float[jax.Array, "b ..."]:
    """Return J v (b, ...) for a linear map v -> J v."""
    return jvp(vector)


@partial(jax.jit, static_argnums=(2, 3))
def pull(
    jvp: Linear, cotangents: Float[jax.Array, "b ..."], size: int, dtype: Any
) -> Float[jax.Array, " p"]:
    r"""Return :math:`J^T y` (p,) for a linear map v -> J v of vectors of the given size p."""
    (back,) = jax.linear_transpose(jvp, jax.ShapeDtypeStruct((size,), dtype))(cotangents)
    return back


def trace_products(
    apply: Apply, parameters: FlatParameters, images: jax.ShapeDtypeStruct
) -> Iterator[Any]:
    """Trace the products with the Jacobian for a batch, and then those with its transpose.

    Nothing is compiled, and what is traced here is not traced again.
    """
    vector = jax.ShapeDtypeStruct((parameters.size,), parameters.dtype)
    linearise = compiled(apply, parameters.layout)
    outputs, jvp = linearise.trace(vector, parameters.fixed, images).out_info
    yield push.trace(jvp, vector).jaxpr
    yield pull.trace(jvp, outputs, parameters.size, parameters.dtype).jaxpr


class Jacobian:
    """The Jacobian J(x) of one image, D x p, by products with the rows of a matrix.

    Raises
    ------
    ImageError
        A product is not finite.
    """

    def __init__(self, linearise: Lineariser, parameters: FlatParameters, image: np.ndarray):
        self.outputs, self._jvp = linearise(jnp.asarray(image)[None])
        self.shape = self.outputs.shape[1:]
        self.size = int(np.prod(self.shape))  # D
        self.length = parameters.size  # p
        self.dtype = parameters.dtype

    def push(self, vectors: Float[np.ndarray, "m p"]) -> Float[np.ndarray, "m D"]:
        """Return J v for each row v: one product each."""
        return _finite(np.stack([np.asarray(push(self._jvp, one)).ravel() for one in vectors]))

    def pull(self, cotangents: Float[np.ndarray, "m D"]) -> Float[np.ndarray, "m p"]:
        """Return J^T y for each row y: one product each."""
        shaped = np.asarray(cotangents, self.outputs.dtype).reshape(-1, 1, *self.shape)
        return _finite(
            np.stack([np.asarray(pull(self._jvp, one, self.length, self.dtype)) for one in shaped])
        )


def _finite(products: np.ndarray) -> np.ndarray:
    if not np.isfinite(products).all():
        raise refusals.DERIVATIVE_NOT_FINITE.of_image(0)
    return products
