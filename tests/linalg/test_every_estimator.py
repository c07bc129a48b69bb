"""What every stochastic estimator must do on matrices with a prescribed spectrum."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from probe_checks import BUDGET, SEEDS, SIZE, SPECTRA, compiled, matrix_with, over_seeds, trace

from slugkit.errors import InputError
from slugkit.linalg.bekas import bekas
from slugkit.linalg.hutchpp import hutchpp
from slugkit.linalg.probes import DISTRIBUTIONS
from slugkit.linalg.xnysdiag import xnysdiag
from slugkit.linalg.xnystrace import xnystrace
from slugkit.linalg.xtrace import xtrace


class Case(NamedTuple):
    estimate: Callable
    truth: Callable
    loose: float = 1.3  # the factor that the stated error may be off


PLAIN = {"hutchinson": Case(trace, jnp.trace), "bekas": Case(bekas, jnp.diag)}
# Leaving one out makes terms that are not quite independent.
CASES = PLAIN | {
    "hutchpp": Case(hutchpp, jnp.trace),
    "xtrace": Case(xtrace, jnp.trace, loose=3.0),
    "xnystrace": Case(xnystrace, jnp.trace, loose=3.0),
    "xnysdiag": Case(xnysdiag, jnp.diag, loose=3.0),
}
every_estimator = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
plain_estimators = pytest.mark.parametrize("case", PLAIN.values(), ids=PLAIN)


@every_estimator
@pytest.mark.parametrize("spectrum", SPECTRA)
def test_estimates_are_unbiased_and_their_errors_as_stated(case, spectrum):
    with jax.enable_x64(True):
        matrix = matrix_with(SPECTRA[spectrum])
        expected = case.truth(matrix)
        made = over_seeds(case.estimate, matrix)
        spread = made.value.std(axis=0, ddof=1)
        floor = 1e-7 * jnp.abs(expected).max()
        bias = jnp.abs(made.value.mean(axis=0) - expected)
        assert (bias <= 5 * spread / SEEDS**0.5 + floor).all()
        assert (made.num_products <= BUDGET).all()
        stated = jnp.sqrt((made.standard_error**2).mean(axis=0))
        assert (stated > spread / case.loose - floor).all()
        assert (stated < spread * case.loose + floor).all()


@every_estimator
def test_float32_is_accurate_enough(case):
    matrix = matrix_with(SPECTRA["slowly decaying"], jnp.float32)
    made = over_seeds(case.estimate, matrix)
    spread = made.value.std(axis=0, ddof=1)
    assert made.value.dtype == jnp.float32
    off = jnp.abs(made.value.mean(axis=0) - case.truth(matrix))
    assert (off < 5 * spread / SEEDS**0.5 + 1e-4).all()


@every_estimator
@settings(max_examples=10, deadline=None)
@given(scale=st.floats(1e-3, 1e3), seed=st.integers(0, 2**31 - 1))
def test_estimates_scale_with_the_matrix(case, scale, seed):
    with jax.enable_x64(True):
        matrix, key = matrix_with(SPECTRA["slowly decaying"]), jax.random.key(seed)
        one = compiled(case.estimate)(matrix, key)
        other = compiled(case.estimate)(scale * matrix, key)
        np.testing.assert_allclose(other.value, scale * one.value, rtol=1e-5, atol=1e-9 * scale)


@every_estimator
def test_no_products_are_refused(case):
    with pytest.raises(InputError, match="num_products is 0"):
        case.estimate(lambda x: x, SIZE, 0, jax.random.key(0))


@plain_estimators
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_every_distribution_is_unbiased(case, distribution):
    with jax.enable_x64(True):
        matrix = matrix_with(SPECTRA["slowly decaying"])
        values = over_seeds(case.estimate, matrix, distribution=distribution).value
        spread = values.std(axis=0, ddof=1) / SEEDS**0.5
        assert (jnp.abs(values.mean(axis=0) - case.truth(matrix)) < 5 * spread).all()


@plain_estimators
def test_it_stops_when_the_estimate_is_good_enough(case):
    matrix = matrix_with(SPECTRA["slowly decaying"], jnp.float32)
    asked = []

    def stop(estimate):
        asked.append(estimate.num_products)
        return len(asked) == 3

    def product(x):
        return x @ matrix

    made = case.estimate(product, SIZE, None, jax.random.key(0), stop=stop)
    assert made.num_products == asked[-1] == 48
    # The probes do not depend on when the estimate ends.
    whole = case.estimate(product, SIZE, 48, jax.random.key(0))
    np.testing.assert_array_equal(made.value, whole.value)
