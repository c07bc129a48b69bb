"""Hessians of losses with respect to the outputs, by their products."""

from collections.abc import Callable
from typing import Any

import jax

# Maps outputs (b, ...) and tangents of the same shape to H times the tangents.
Hessian = Callable[[jax.Array, jax.Array], jax.Array]


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
