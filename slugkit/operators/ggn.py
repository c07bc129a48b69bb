"""Products with the generalised Gauss-Newton matrix, one batch of images at a time."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from slugkit.operators.batches import batches
from slugkit.operators.jacobian import Apply, Linear, lineariser, pull
from slugkit.operators.losses import Hessian
from slugkit.operators.parameters import FlatParameters

# The activations of the first batches are kept up to so many bytes, which spares their forward
# pass, about a quarter of a product, from the second product on.
BYTES_KEPT = 1 << 30


def ggn_product(
    apply: Apply,
    parameters: FlatParameters,
    images: Float[np.ndarray, "n ..."],
    *,
    hessian: Hessian | None = None,
    batch_size: int | None = None,
    scale: float = 1.0,
) -> Callable[[Float[np.ndarray, " p"]], Float[np.ndarray, " p"]]:
    r"""Return the product with the generalised Gauss-Newton matrix of all images.

    .. math:: G v = c \sum_i J(x_i)^T H(x_i) J(x_i) v

    Parameters
    ----------
    apply
        The model: ``apply(params, images)`` returns outputs whose first axis counts the images.
    parameters
        The point of linearisation, p parameters.
    images
        Shape (n, ...).
    hessian
        The Hessian of the loss with respect to the outputs, ``hessian(outputs, tangents)``, such
        as one of `slugkit.operators.losses`; the identity by default.
    batch_size
        How many images are linearised at once.
    scale
        The factor c: n_total / n where the images stand for a larger set.

    References
    ----------
    The paper's equation 1. Loops in Python over a compiled function of one batch, because XLA runs
    convolutions inside its own loops up to twenty times slower on CPUs.
    """
    linearise = lineariser(apply, parameters)
    parts = list(batches(images, batch_size))

    kept: list[tuple[jax.Array, Linear]] = []

    def product(vector: np.ndarray) -> np.ndarray:
        direction = jnp.asarray(vector)
        total = jnp.zeros_like(direction)
        for number, batch in enumerate(parts):
            outputs, jvp = kept[number] if number < len(kept) else linearise(batch.images)
            total = _add_product(hessian, total, direction, outputs, jvp, batch.mask, scale)
            fits = len(parts) == 1 or (number + 1) * _num_bytes(jvp) <= BYTES_KEPT
            if number == len(kept) and fits:
                kept.append((outputs, jvp))
            # Or the next batch is linearised beside the activations of this one.
            del outputs, jvp
        return np.asarray(total)

    return product


def _num_bytes(jvp: Linear) -> int:
    return sum(leaf.nbytes for leaf in jax.tree.leaves(jvp))


@partial(jax.jit, static_argnums=0)
def _add_product(
    hessian: Hessian | None,
    total: jax.Array,
    vector: jax.Array,
    outputs: jax.Array,
    jvp: Linear,
    mask: jax.Array,
    scale: float,
) -> jax.Array:
    tangents = jvp(vector)
    if hessian is not None:
        tangents = hessian(outputs, tangents)
    tangents = tangents * mask.reshape(-1, *[1] * (tangents.ndim - 1)).astype(tangents.dtype)
    return total + scale * pull(jvp, tangents, len(vector), vector.dtype)
