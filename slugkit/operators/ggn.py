"""Products with the generalised Gauss-Newton matrix, one batch of images at a time."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from slugkit import refusals
from slugkit.operators.batches import Batch, Images, batches
from slugkit.operators.jacobian import Apply, Linear, Lineariser, lineariser, pull
from slugkit.operators.losses import Hessian
from slugkit.operators.parameters import FlatParameters
from slugkit.progress import ProgressCallback

# The activations of the first batches are kept up to this many bytes, which spares their forward
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
    visit: Callable[[Batch, jax.Array], object] = lambda batch, outputs: None,
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
    visit
        Called with each batch and its outputs in the first product.

    Raises
    ------
    ImageError
        The derivative at an image is not finite.

    References
    ----------
    The paper's equation 1. Loops in Python over a compiled function of one batch, because XLA runs
    convolutions inside its own loops up to twenty times slower on CPUs.
    """
    linearise = lineariser(apply, parameters)
    # What is in memory anyway may as well be on the device.
    parts = list(batches(images, batch_size)) if isinstance(images, np.ndarray) else None
    is_alone = parts is not None and len(parts) == 1

    kept: list[tuple[jax.Array, Linear]] = []
    visited = False

    def product(vector: np.ndarray) -> np.ndarray:
        nonlocal visited
        direction = jnp.asarray(vector)
        total = jnp.zeros_like(direction)
        for number, batch in enumerate(parts or batches(images, batch_size)):
            outputs, jvp = kept[number] if number < len(kept) else linearise(batch.images)
            if not visited:
                visit(batch, outputs)
            total = _add_product(hessian, total, direction, outputs, jvp, batch.mask, scale)
            fits = is_alone or (number + 1) * _num_bytes(jvp) <= BYTES_KEPT
            if number == len(kept) and fits:
                kept.append((outputs, jvp))
            # Or the next batch is linearised beside the activations of this one.
            del outputs, jvp
        visited = True
        made = np.asarray(total)
        if not np.isfinite(made).all():
            for batch in parts or batches(images, batch_size):
                _find_culprit(linearise, hessian, batch, direction, scale)
        return made

    return product


def ggn_one_pass(
    apply: Apply,
    parameters: FlatParameters,
    images: Images,
    *,
    hessian: Hessian | None = None,
    batch_size: int | None = None,
    scale: float = 1.0,
    visit: Callable[[Batch, jax.Array], object] = lambda batch, outputs: None,
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
            visit(batch, outputs)
            for number in range(count):
                direction = jnp.asarray(directions(number))
                nothing = jnp.zeros_like(direction)
                made = _add_product(hessian, nothing, direction, outputs, jvp, batch.mask, scale)
                part = np.asarray(made)
                if not np.isfinite(part).all():
                    _find_culprit(linearise, hessian, batch, direction, scale)
                add(number, part)
            # Or the next batch is linearised beside the activations of this one.
            del outputs, jvp
            if progress is not None:
                done = batch.start + batch.size
                progress(done, len(images), f"images times {count} directions")

    return one_pass


def _find_culprit(
    linearise: Lineariser,
    hessian: Hessian | None,
    batch: Batch,
    direction: jax.Array,
    scale: float,
) -> None:
    """Name the image without which the product would be finite, if there is one in the batch."""
    nothing = jnp.zeros_like(direction)

    def finite(images: jax.Array) -> bool:
        outputs, jvp = linearise(images)
        made = _add_product(hessian, nothing, direction, outputs, jvp, batch.mask, scale)
        return bool(np.isfinite(np.asarray(made)).all())

    if finite(batch.images):
        return
    for place in range(batch.size):
        # Beside copies of itself, as what is not finite does not stay in its place.
        if not finite(batch.images[np.full(len(batch.images), place)]):
            raise refusals.DERIVATIVE_NOT_FINITE.of_image(batch.start + place)


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
    # A Hessian may compute in another type than the model.
    tangents = tangents.astype(outputs.dtype)
    tangents = tangents * mask.reshape(-1, *[1] * (tangents.ndim - 1)).astype(tangents.dtype)
    return total + scale * pull(jvp, tangents, len(vector), vector.dtype)
