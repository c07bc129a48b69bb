"""Scores and maps of any model by its dense Jacobian in float64, without the method's own code."""

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np


def dense_jacobian(function, params, images):
    """Return the Jacobians (n, outputs, p) of function(params, images) in float64."""
    with jax.enable_x64(True):
        params, images = jax.tree.map(_in_float64, (params, images))
        vector, to_tree = jax.flatten_util.ravel_pytree(params)

        def outputs(vector):
            return function(to_tree(vector), images).reshape(len(images), -1)

        return np.asarray(jax.jit(jax.jacfwd(outputs))(vector))


def dense_eigenpairs(jacobian, rank):
    """Return the leading eigenvalues (k,) and eigenvectors (k, p) of the sum of J^T J."""
    rows = jacobian.reshape(-1, jacobian.shape[-1])
    _, singular, vectors = np.linalg.svd(rows, full_matrices=False)
    return singular[:rank] ** 2, vectors[:rank]


def dense_variance(jacobian, basis):
    """Return the diagonals (n, outputs) of J (I - U^T U) J^T, where U (k, p) has rows."""
    return np.sum(jacobian**2, axis=-1) - np.sum((jacobian @ basis.T) ** 2, axis=-1)


def _in_float64(leaf):
    leaf = jnp.asarray(leaf)
    return leaf.astype(jnp.float64) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf
