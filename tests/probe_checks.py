"""Matrices with a prescribed spectrum, and stochastic estimators run on them over many keys."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import spectra

from slugkit.linalg.hutchinson import forms_of, hutchinson

SIZE, BUDGET, SEEDS = 50, 24, 400
SPECTRA = {
    "decaying": 0.7 ** np.arange(SIZE),
    "slowly decaying": 1 / (1.0 + np.arange(SIZE)),
    "clustered": np.repeat([3.0, 2.0, 0.5, 0.1, 0.01], 10),
    "gap": np.where(np.arange(SIZE) < 10, 1.0, 1e-3),
    "rank-deficient": np.where(np.arange(SIZE) < 15, 1.0, 0.0),
}


def matrix_with(eigenvalues, dtype=jnp.float64):
    return jnp.asarray(spectra.matrix_with(eigenvalues)[0], dtype)


@functools.cache
def compiled(estimate, **options):
    """An estimator as a function of the matrix and the key, compiled once for all spectra."""
    return jax.jit(lambda matrix, key: estimate(lambda x: x @ matrix, SIZE, BUDGET, key, **options))


def over_seeds(estimate, matrix, **options):
    """Run an estimator over many keys."""
    run = compiled(estimate, **options)
    # One after the other: XLA's thread pool can lock up on wide batches of small factorisations.
    made = [run(matrix, key) for key in jax.random.split(jax.random.key(1), SEEDS)]
    return jax.tree.map(lambda *values: np.stack([np.asarray(one) for one in values]), *made)


def root_mean_square_error(estimate, truth):
    """Return the error of an estimator for a decaying spectrum, over many keys."""
    with jax.enable_x64(True):
        matrix = matrix_with(SPECTRA["decaying"])
        return float(np.sqrt(np.mean((over_seeds(estimate, matrix).value - truth(matrix)) ** 2)))


def trace(product, *rest, **options):
    """Hutchinson's estimator of a matrix that is given as a product, as the others take it."""
    return hutchinson(forms_of(product), *rest, **options)
