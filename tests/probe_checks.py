"""Matrices with a prescribed spectrum, and what every stochastic estimator must do on them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slugkit.errors import InputError

SIZE, BUDGET, SEEDS = 50, 24, 400
SPECTRA = {
    "decaying": 0.7 ** np.arange(SIZE),
    "slowly decaying": 1 / (1.0 + np.arange(SIZE)),
    "clustered": np.repeat([3.0, 2.0, 0.5, 0.1, 0.01], 10),
    "gap": np.where(np.arange(SIZE) < 10, 1.0, 1e-3),
    "rank-deficient": np.where(np.arange(SIZE) < 15, 1.0, 0.0),
}


def matrix_with(eigenvalues, dtype=jnp.float64):
    q, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(SIZE, SIZE)))
    return jnp.asarray((q * eigenvalues) @ q.T, dtype)


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


def root_mean_square_error(estimate, matrix, truth):
    return float(np.sqrt(np.mean((over_seeds(estimate, matrix).value - truth) ** 2)))


def check_unbiased(estimate, truth, spectrum, *, loose=1.3):
    """The mean over keys is the truth, and the stated error is the spread up to a factor."""
    with jax.enable_x64(True):
        matrix = matrix_with(SPECTRA[spectrum])
        expected = truth(matrix)
        made = over_seeds(estimate, matrix)
        spread = made.value.std(axis=0, ddof=1)
        floor = 1e-7 * jnp.abs(expected).max()
        bias = jnp.abs(made.value.mean(axis=0) - expected)
        assert (bias <= 5 * spread / SEEDS**0.5 + floor).all()
        assert (made.num_products <= BUDGET).all()
        stated = jnp.sqrt((made.standard_error**2).mean(axis=0))
        assert (stated > spread / loose - floor).all()
        assert (stated < spread * loose + floor).all()


def check_float32(estimate, truth):
    """Single precision is enough."""
    matrix = matrix_with(SPECTRA["slowly decaying"], jnp.float32)
    made = over_seeds(estimate, matrix)
    spread = made.value.std(axis=0, ddof=1)
    assert made.value.dtype == jnp.float32
    off = jnp.abs(made.value.mean(axis=0) - truth(matrix))
    assert (off < 5 * spread / SEEDS**0.5 + 1e-4).all()


def check_scaling(estimate, scale, seed):
    """The estimate of a multiple is that multiple of the estimate."""
    with jax.enable_x64(True):
        matrix, key = matrix_with(SPECTRA["slowly decaying"]), jax.random.key(seed)
        one = compiled(estimate)(matrix, key)
        other = compiled(estimate)(scale * matrix, key)
        np.testing.assert_allclose(other.value, scale * one.value, rtol=1e-5, atol=1e-9 * scale)


def check_refusal(estimate):
    """No products make no estimate."""
    with pytest.raises(InputError, match="num_products is 0"):
        estimate(lambda x: x, SIZE, 0, jax.random.key(0))
