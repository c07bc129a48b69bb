"""Products with the generalised Gauss-Newton matrix, one batch of images at a time."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from slugkit.operators.batches import Images, batches
from slugkit.operators.jacobian import Apply, Linear, lineariser, pull
from slugkit.operators.losses import Hessian
from slugkit.operators.parameters import FlatParameters
from slugkit.progress import ProgressCallback

# The activations of the first batches are kept up to so many bytes, which spares their forward
# pass, about a quarter of a product, from the second product on.
BYTES_KEPT = 1 << 30


def ggn_product(
    apply: Apply,
    parameters: FlatParameters,
    images: Images,
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
        Shape (n, ...); those that are no array are read batch by batch for each product.
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
    # What is in memory anyway may as well lie on the device.
    parts = list(batches(images, batch_size)) if isinstance(images, np.ndarray) else None

    kept: list[tuple[jax.Array, Linear]] = []

    def product(vector: np.ndarray) -> np.ndarray:
        direction = jnp.asarray(vector)
        total = jnp.zeros_like(direction)
        for number, batch in enumerate(parts or batches(images, batch_size)):
            outputs, jvp = kept[number] if number < len(kept) else linearise(batch.images)
            total = _add_product(hessian, total, direction, outputs, jvp, batch.mask, scale)
            fits = (parts is not None and len(parts) == 1) or (number + 1) * _num_bytes(
                jvp
            ) <= BYTES_KEPT
            if number == len(kept) and fits:
                kept.append((outputs, jvp))
            # Or the next batch is linearised beside the activations of this one.
            del outputs, jvp
        return np.asarray(total)

    return product


def ggn_one_pass(
    apply: Apply,
    parameters: FlatParameters,
    images: Images,
    *,
    hessian: Hessian | None = None,
    batch_size: int | None = None,
    scale: float = 1.0,
) -> Callable[..., None]:
    r"""Return a function that multiplies many vectors by G in one pass over the images.

    It is called as ``one_pass(directions, count, add)`` and calls ``add(j, part)`` with the product
    of each batch with direction j. Each batch is read and linearised once, for all directions, and
    let go; so that memory does not grow with the number of images.

    Parameters as for `ggn_product`.
    """
    linearise = lineariser(apply, parameters)

    def one_pass(
        directions: Callable[[int], np.ndarray],
        count: int,
        add: Callable[[int, np.ndarray], None],
        progress: ProgressCallback | None = None,
    ) -> None:
        for batch in batches(images, batch_size):
            outputs, jvp = linearise(batch.images)
            for number in range(count):
                direction = jnp.asarray(directions(number))
                nothing = jnp.zeros_like(direction)
                part = _add_product(hessian, nothing, direction, outputs, jvp, batch.mask, scale)
                add(number, np.asarray(part))
            # Or the next batch is linearised beside the activations of this one.
            del outputs, jvp
            if progress is not None:
                done = batch.start + batch.size
                progress(done, len(images), f"images times {count} directions")

    return one_pass


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
