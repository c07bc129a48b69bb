"""A small autoencoder in plain JAX, and its dense Jacobian."""

import jax
import jax.numpy as jnp
import numpy as np

from slugkit.operators.parameters import flatten

KEY = jax.random.key(7)
SHAPE = (4, 4, 2)


def apply(params, images):
    """Encode images (n, 4, 4, 2) to five numbers and decode them."""
    flat = images.reshape(len(images), -1)
    latent = jnp.tanh(flat @ params["encoder"]["kernel"] + params["encoder"]["bias"])
    logits = latent @ params["decoder"]["kernel"]
    return jax.nn.sigmoid(logits).reshape(len(images), *SHAPE)


def make_params(dtype=np.float32):
    random = np.random.default_rng(7)
    return {
        "encoder": {
            "kernel": jnp.asarray(0.4 * random.normal(size=(32, 5)), dtype),
            "bias": jnp.asarray(0.1 * random.normal(size=5), dtype),
        },
        "decoder": {"kernel": jnp.asarray(0.6 * random.normal(size=(5, 32)), dtype)},
    }


def make_images(n, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).normal(size=(n, *SHAPE)).astype(dtype)


def dense_jacobian(params, images, parameter_filter=None):
    """Return the Jacobians (n, outputs, p) by brute force."""
    flat = flatten(params, parameter_filter)

    def outputs(vector):
        tree = flat.to_tree(vector, flat.fixed)
        return apply(tree, jnp.asarray(images)).reshape(len(images), -1)

    return np.asarray(jax.jacfwd(outputs)(flat.vector))


def dense_variance(jacobian, posterior):
    """Return the exact pixel variances (n, outputs)."""
    u, a = posterior.basis, posterior.prior_precision
    if a is None:
        sigma = np.eye(u.shape[1]) - u.T @ u
    else:
        shrink = posterior.eigenvalues / (posterior.eigenvalues + a)
        sigma = (np.eye(u.shape[1]) - (u.T * shrink) @ u) / a
    return np.einsum("nip,pq,niq->ni", jacobian, sigma, jacobian)
