"""XNysTrace on matrices with a prescribed spectrum."""

import jax
import jax.numpy as jnp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from probe_checks import (
    SPECTRA,
    check_float32,
    check_refusal,
    check_scaling,
    check_unbiased,
    matrix_with,
    root_mean_square_error,
)

from slugkit.linalg.xnystrace import xnystrace
from slugkit.linalg.xtrace import xtrace


@pytest.mark.parametrize("spectrum", SPECTRA)
def test_estimates_are_unbiased_and_their_errors_as_stated(spectrum):
    # Leaving one out makes terms that are not quite independent.
    check_unbiased(xnystrace, jnp.trace, spectrum, loose=3.0)


def test_float32_is_accurate_enough():
    check_float32(xnystrace, jnp.trace)


@settings(max_examples=10, deadline=None)
@given(scale=st.floats(1e-3, 1e3), seed=st.integers(0, 2**31 - 1))
def test_estimates_scale_with_the_matrix(scale, seed):
    check_scaling(xnystrace, scale, seed)


def test_no_products_are_refused():
    check_refusal(xnystrace)


def test_it_is_better_than_xtrace():
    with jax.enable_x64(True):
        matrix = matrix_with(SPECTRA["decaying"])
        truth = jnp.trace(matrix)
        ours, theirs = (root_mean_square_error(one, matrix, truth) for one in (xnystrace, xtrace))
        assert ours < theirs
