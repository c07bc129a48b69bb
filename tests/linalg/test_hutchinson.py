"""Hutchinson's estimator on matrices with a prescribed spectrum."""

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

from slugkit.linalg.hutchinson import forms_of, hutchinson
from slugkit.linalg.probes import DISTRIBUTIONS


def trace(product, *rest, **options):
    return hutchinson(forms_of(product), *rest, **options)


@pytest.mark.parametrize("spectrum", SPECTRA)
def test_estimates_are_unbiased_and_their_errors_as_stated(spectrum):
    check_unbiased(trace, jnp.trace, spectrum)


def test_float32_is_accurate_enough():
    check_float32(trace, jnp.trace)


@settings(max_examples=10, deadline=None)
@given(scale=st.floats(1e-3, 1e3), seed=st.integers(0, 2**31 - 1))
def test_estimates_scale_with_the_matrix(scale, seed):
    check_scaling(trace, scale, seed)


def test_no_products_are_refused():
    check_refusal(trace)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_every_distribution_is_unbiased(distribution):
    with jax.enable_x64(True):
        matrix = matrix_with(SPECTRA["slowly decaying"])
        values = over_seeds(trace, matrix, distribution=distribution).value
        spread = values.std(axis=0, ddof=1) / SEEDS**0.5
        assert (jnp.abs(values.mean(axis=0) - jnp.trace(matrix)) < 5 * spread).all()


def test_it_stops_when_the_estimate_is_good_enough():
    matrix = matrix_with(SPECTRA["slowly decaying"], jnp.float32)
    asked = []

    def stop(estimate):
        asked.append(estimate.num_products)
        return len(asked) == 3

    given = forms_of(lambda x: x @ matrix)
    made = hutchinson(given, SIZE, None, jax.random.key(0), stop=stop)
    assert made.num_products == asked[-1] == 48
    # The probes do not depend on when the estimate ends.
    whole = hutchinson(given, SIZE, 48, jax.random.key(0))
    np.testing.assert_array_equal(made.value, whole.value)


def test_forms_of_several_matrices_give_several_traces():
    matrix = matrix_with(SPECTRA["decaying"], jnp.float32)

    def forms(x):
        one = jnp.sum(x * (x @ matrix), axis=1)
        return jnp.stack([one, 3 * one], axis=1)

    made = hutchinson(forms, SIZE, 20, jax.random.key(0))
    assert made.value.shape == made.standard_error.shape == (2,)
    np.testing.assert_allclose(made.value[1], 3 * made.value[0], rtol=1e-6)
