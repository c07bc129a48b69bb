"""The estimator of Bekas, Kokiopoulou and Saad on matrices with a prescribed spectrum."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from probe_checks import (
    SEEDS,
    SIZE,
    SPECTRA,
    check_float32,
    check_refusal,
    check_scaling,
    check_unbiased,
    matrix_with,
    over_seeds,
)

from slugkit.linalg.bekas import bekas
from slugkit.linalg.probes import DISTRIBUTIONS


@pytest.mark.parametrize("spectrum", SPECTRA)
def test_estimates_are_unbiased_and_their_errors_as_stated(spectrum):
    check_unbiased(bekas, jnp.diag, spectrum)


def test_float32_is_accurate_enough():
    check_float32(bekas, jnp.diag)


@settings(max_examples=10, deadline=None)
@given(scale=st.floats(1e-3, 1e3), seed=st.integers(0, 2**31 - 1))
def test_estimates_scale_with_the_matrix(scale, seed):
    check_scaling(bekas, scale, seed)


def test_no_products_are_refused():
    check_refusal(bekas)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_every_distribution_is_unbiased(distribution):
    with jax.enable_x64(True):
        matrix = matrix_with(SPECTRA["slowly decaying"])
        values = over_seeds(bekas, matrix, distribution=distribution).value
        spread = values.std(axis=0, ddof=1) / SEEDS**0.5
        assert (jnp.abs(values.mean(axis=0) - jnp.diag(matrix)) < 5 * spread).all()


def test_it_stops_when_the_estimate_is_good_enough():
    matrix = matrix_with(SPECTRA["slowly decaying"], jnp.float32)
    asked = []

    def stop(estimate):
        asked.append(estimate.num_products)
        return len(asked) == 3

    def given(x):
        return x @ matrix

    made = bekas(given, SIZE, None, jax.random.key(0), stop=stop)
    assert made.num_products == asked[-1] == 48
    # The probes do not depend on when the estimate ends.
    whole = bekas(given, SIZE, 48, jax.random.key(0))
    np.testing.assert_array_equal(made.value, whole.value)


def test_a_product_on_the_host_gives_the_same():
    matrix = matrix_with(SPECTRA["decaying"], jnp.float32)
    on_device = bekas(lambda x: x @ matrix, SIZE, 20, jax.random.key(0))
    host = np.asarray(matrix)
    on_host = bekas(lambda x: np.asarray(x) @ host, SIZE, 20, jax.random.key(0))
    assert isinstance(on_host.value, np.ndarray)
    np.testing.assert_allclose(on_host.value, on_device.value, rtol=1e-3, atol=1e-5)
