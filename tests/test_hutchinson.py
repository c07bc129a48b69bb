"""Trace and diagonal estimators on matrices with a prescribed spectrum."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slugkit.errors import InputError
from slugkit.linalg import hutchinson

SIZE, BUDGET, SEEDS = 50, 24, 400
TRACES = ("hutchinson", "hutchpp", "xtrace", "xnystrace")
DIAGONALS = ("bekas", "xnysdiag")
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


@pytest.fixture
def x64():
    with jax.enable_x64(True):
        yield


@functools.cache
def compiled(name, **options):
    """An estimator as a function of the matrix and the key, compiled once for all spectra."""
    estimate = getattr(hutchinson, name)
    return jax.jit(lambda matrix, key: estimate(lambda x: x @ matrix, SIZE, BUDGET, key, **options))


def over_seeds(name, matrix, **options):
    """Run an estimator over many keys."""
    run = compiled(name, **options)
    # One after the other: XLA's thread pool can lock up on wide batches of small factorisations.
    made = [run(matrix, key) for key in jax.random.split(jax.random.key(1), SEEDS)]
    return jax.tree.map(lambda *values: np.stack([np.asarray(one) for one in values]), *made)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("name", TRACES + DIAGONALS)
def test_estimates_are_unbiased_and_their_errors_as_stated(name, spectrum):
    matrix = matrix_with(SPECTRA[spectrum])
    truth = jnp.trace(matrix) if name in TRACES else jnp.diag(matrix)
    made = over_seeds(name, matrix)
    spread = made.value.std(axis=0, ddof=1)
    floor = 1e-7 * jnp.abs(truth).max()
    bias = jnp.abs(made.value.mean(axis=0) - truth)
    assert (bias <= 5 * spread / SEEDS**0.5 + floor).all()
    assert (made.num_products <= BUDGET).all()
    stated = jnp.sqrt((made.standard_error**2).mean(axis=0))
    # Leaving one out makes terms that are not quite independent.
    loose = 3.0 if name.startswith("x") else 1.3
    assert (stated > spread / loose - floor).all()
    assert (stated < spread * loose + floor).all()


@pytest.mark.usefixtures("x64")
def test_better_estimators_are_better():
    matrix = matrix_with(SPECTRA["decaying"])
    errors = {
        name: float(jnp.sqrt(((over_seeds(name, matrix).value - jnp.trace(matrix)) ** 2).mean()))
        for name in TRACES
    }
    assert errors["xnystrace"] < errors["xtrace"] < errors["hutchpp"] < errors["hutchinson"]
    diagonals = {
        name: float(jnp.sqrt(((over_seeds(name, matrix).value - jnp.diag(matrix)) ** 2).mean()))
        for name in DIAGONALS
    }
    assert 100 * diagonals["xnysdiag"] < diagonals["bekas"]


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("distribution", hutchinson.DISTRIBUTIONS)
def test_every_distribution_is_unbiased(distribution):
    matrix = matrix_with(SPECTRA["slowly decaying"])
    for name, truth in (("hutchinson", jnp.trace(matrix)), ("bekas", jnp.diag(matrix))):
        values = over_seeds(name, matrix, distribution=distribution).value
        spread = values.std(axis=0, ddof=1) / SEEDS**0.5
        assert (jnp.abs(values.mean(axis=0) - truth) < 5 * spread).all()


@pytest.mark.parametrize("name", TRACES + DIAGONALS)
def test_float32_is_accurate_enough(name):
    matrix = matrix_with(SPECTRA["slowly decaying"], jnp.float32)
    made = over_seeds(name, matrix)
    truth = jnp.trace(matrix) if name in TRACES else jnp.diag(matrix)
    spread = made.value.std(axis=0, ddof=1)
    assert made.value.dtype == jnp.float32
    assert (jnp.abs(made.value.mean(axis=0) - truth) < 5 * spread / SEEDS**0.5 + 1e-4).all()


@pytest.mark.usefixtures("x64")
@settings(max_examples=10, deadline=None)
@given(scale=st.floats(1e-3, 1e3), seed=st.integers(0, 2**31 - 1))
def test_estimates_scale_with_the_matrix(scale, seed):
    matrix, key = matrix_with(SPECTRA["slowly decaying"]), jax.random.key(seed)
    for name in TRACES + DIAGONALS:
        one, other = compiled(name)(matrix, key), compiled(name)(scale * matrix, key)
        np.testing.assert_allclose(other.value, scale * one.value, rtol=1e-5, atol=1e-9 * scale)


@pytest.mark.parametrize("name", TRACES + DIAGONALS)
def test_no_products_are_refused(name):
    with pytest.raises(InputError, match="num_samples is 0"):
        getattr(hutchinson, name)(lambda x: x, SIZE, 0, jax.random.key(0))


def test_unknown_distributions_are_refused():
    with pytest.raises(InputError, match="distribution is 'uniform'"):
        hutchinson.probes(jax.random.key(0), 2, 3, "uniform")
