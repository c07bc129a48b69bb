"""Products with the generalised Gauss-Newton matrix, one batch of images at a time."""

from collections.abc import Callable, Hashable
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from slugkit.errors import InputError
from slugkit.operators.batches import batches
from slugkit.operators.parameters import FlatParameters, Layout

Apply = Callable[[Any, jax.Array], jax.Array]
Hessian = Callable[[jax.Array, jax.Array], jax.Array]
Linear = Callable[[jax.Array], jax.Array]

# The activations of the first batches are kept up to so many bytes, which spares their forward
# pass, about a quarter of a product, from the second product on.
BYTES_KEPT = 1 << 30


def gaussian(variance: float = 1.0) -> Hessian:
    """Return the Hessian of the Gaussian negative log-likelihood: H t = t / variance.

    Parameters
    ----------
    variance
        The variance of the likelihood of one output.
    """
    return lambda outputs, tangents: tangents / variance


def bernoulli() -> Hessian:
    """Return the Hessian of the Bernoulli negative log-likelihood in the logits.

    H t = s (1 - s) t, where s is the logistic function of the outputs.
    """

    def hessian(outputs: jax.Array, tangents: jax.Array) -> jax.Array:
        mean = jax.nn.sigmoid(outputs)
        return mean * (1 - mean) * tangents

    return hessian


def categorical() -> Hessian:
    """Return the Hessian of the categorical negative log-likelihood in the logits.

    H t = s * t - s (s . t), where s is the softmax over the last axis of the outputs.
    """

    def hessian(outputs: jax.Array, tangents: jax.Array) -> jax.Array:
        mean = jax.nn.softmax(outputs, axis=-1)
        weighted = mean * tangents
        return weighted - mean * weighted.sum(axis=-1, keepdims=True)

    return hessian


def perceptual(features: Callable[[jax.Array], Any], weight: float = 1.0) -> Hessian:
    r"""Return the generalised Gauss-Newton Hessian of squared error plus perceptual loss.

    .. math:: H t = t + w \sum_l \frac{1}{C_l W_l H_l} J_{\Phi_l}^T J_{\Phi_l} t

    where :math:`J_{\Phi_l}` is the Jacobian of the features of layer l at the outputs.

    Parameters
    ----------
    features
        Maps a batch of outputs (b, ...) to a feature map (b, ...), or to a pytree of them.
    weight
        The weight w of the perceptual loss.

    References
    ----------
    The paper's equation 3, its factor read as 1 / (2 C W H); the second derivative of the
    features is left out, as in every generalised Gauss-Newton matrix.
    """

    def hessian(outputs: jax.Array, tangents: jax.Array) -> jax.Array:
        _, jvp = jax.linearize(features, outputs)
        moved = jax.tree.map(lambda layer: layer * (len(layer) / layer.size), jvp(tangents))
        (back,) = jax.linear_transpose(jvp, outputs)(moved)
        return tangents + weight * back

    return hessian


def lineariser(
    apply: Apply, parameters: FlatParameters
) -> Callable[[jax.Array], tuple[jax.Array, Linear]]:
    r"""Return a function that linearises the model at its parameters for a batch of images.

    .. math:: f(\theta + v, x) \approx f(\theta, x) + J(x) v

    The returned function maps images (b, ...) to the outputs (b, ...) and the linear map
    v -> J(x) v, which holds on to the activations of the batch: products with it repeat neither
    the forward pass nor the compilation. The compiled functions of the last few models are kept.
    """
    _, linearise = _functions(apply, parameters.layout)
    vector, fixed = parameters.vector, parameters.fixed
    return lambda images: linearise(vector, fixed, images)


def _functions(apply: Apply, layout: Layout) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return the model, and its linearisation, as functions of (vector, fixed, images)."""
    make = _compiled if isinstance(apply, Hashable) else _compiled.__wrapped__
    return make(apply, layout)


@lru_cache(maxsize=8)
def _compiled(apply: Apply, layout: Layout) -> tuple[Callable[..., Any], Callable[..., Any]]:

    def forward(vector: jax.Array, fixed: list[Any], images: jax.Array) -> jax.Array:
        return apply(layout.to_tree(vector, fixed), images)

    def linearise(vector: jax.Array, fixed: list[Any], images: jax.Array) -> Any:
        return jax.linearize(lambda v: forward(v, fixed, images), vector)

    return jax.jit(forward), jax.jit(linearise)


@jax.jit
def push(jvp: Linear, vector: jax.Array) -> jax.Array:
    """Return J v (b, ...) for a linear map v -> J v."""
    return jvp(vector)


@partial(jax.jit, static_argnums=(2, 3))
def pull(jvp: Linear, cotangents: jax.Array, size: int, dtype: Any) -> jax.Array:
    r"""Return :math:`J^T y` (p,) for a linear map v -> J v of vectors of the given size p."""
    (back,) = jax.linear_transpose(jvp, jax.ShapeDtypeStruct((size,), dtype))(cotangents)
    return back


def check_outputs(outputs: jax.Array, start: int, size: int) -> None:
    """Raise an InputError if outputs are not finite, naming the images from `start` on."""
    if not bool(jnp.isfinite(outputs).all()):
        raise InputError(
            f"the model's outputs are not finite for images {start} to {start + size - 1}; "
            "check these images and the parameters"
        )


def ggn_product(
    apply: Apply,
    parameters: FlatParameters,
    images: np.ndarray,
    *,
    hessian: Hessian | None = None,
    batch_size: int | None = None,
    scale: float = 1.0,
) -> Callable[[np.ndarray], np.ndarray]:
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
        The Hessian of the loss with respect to the outputs, ``hessian(outputs, tangents)``;
        the identity by default.
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


def check_model(
    apply: Apply, parameters: FlatParameters, images: np.ndarray, batch_size: int | None = None
) -> tuple[int, ...]:
    """Run the model once over all images; return the shape of one output, or say what is wrong.

    Raises
    ------
    InputError
        The outputs have the wrong first axis, are not of a floating type, are not finite, change
        between two equal calls, or depend on the other images of the batch.
    """
    params = parameters.to_tree(parameters.vector, parameters.fixed)
    pair = jnp.stack([images[0], images[0] * 0.5])
    first, again, alone = apply(params, pair), apply(params, pair), apply(params, pair[:1])
    if jnp.ndim(first) < 1 or len(first) != 2 or not jnp.issubdtype(first.dtype, jnp.floating):
        raise InputError(
            f"apply(params, images) returned shape {jnp.shape(first)} and type {first.dtype} for "
            "2 images; return floating-point outputs whose first axis counts the images"
        )
    if not bool(jnp.array_equal(first, again, equal_nan=True)):
        raise InputError(
            "the model's output changes between two equal calls; switch off dropout and every "
            "other randomness (in flax: model.eval()) and decode the latent mean"
        )
    tolerance = 1e-3 * jnp.abs(alone).max()
    if bool(jnp.abs(first[:1] - alone).max() > tolerance):
        raise InputError(
            "an image's output depends on the other images of its batch; put batch normalisation "
            "into evaluation mode with frozen statistics (in flax: model.eval())"
        )
    forward, _ = _functions(apply, parameters.layout)
    for batch in batches(images, batch_size):
        outputs = forward(parameters.vector, parameters.fixed, batch.images)
        check_outputs(outputs, batch.start, batch.size)
    return first.shape[1:]
