"""Random probes and averages over them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slugkit.errors import InputError
from slugkit.linalg import probes as module
from slugkit.linalg.probes import DISTRIBUTIONS, average, check_num_products, orthonormal, probes


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("dtype", [jnp.float32, None])
def test_mean_and_covariance(distribution, dtype):
    made = np.asarray(probes(jax.random.key(0), 20_000, 3, distribution, dtype))
    assert made.dtype == np.float32
    assert np.abs(made.mean(axis=0)).max() < 5 / 20_000**0.5
    np.testing.assert_allclose(made.T @ made / 20_000, np.eye(3), atol=5 * (2 / 20_000) ** 0.5)


def test_lengths_on_the_sphere_are_equal():
    made = probes(jax.random.key(0), 10, 7, "sphere")
    np.testing.assert_allclose(jnp.sum(made**2, axis=1), 7.0, rtol=1e-5)


def test_unknown_distributions_are_refused():
    with pytest.raises(InputError, match="distribution is 'uniform'"):
        probes(jax.random.key(0), 2, 3, "uniform")


@pytest.mark.parametrize("count", [1, 15, 16, 17, 40])
def test_an_average_takes_as_many_probes_as_it_is_told(count):
    seen = []

    def values(x):
        seen.append(np.asarray(x))
        return np.asarray(x)

    made = average(values, 2, count, jax.random.key(0), distribution="gaussian")
    assert len(np.concatenate(seen)) == made.num_products == count
    np.testing.assert_allclose(made.value, np.concatenate(seen).mean(axis=0), rtol=1e-5)
    assert max(map(len, seen)) <= module.PROBES_PER_BLOCK


def test_too_few_products_are_named():
    check_num_products(None, 3)
    check_num_products(3, 3)
    with pytest.raises(InputError, match="needs at least 3"):
        check_num_products(2, 3)


def test_orthonormal_rows_span_the_given_ones():
    given = jax.random.normal(jax.random.key(0), (4, 9))
    q, r = orthonormal(given)
    np.testing.assert_allclose(q @ q.T, np.eye(4), atol=1e-5)
    np.testing.assert_allclose((q.T @ r).T, given, atol=1e-5)
