"""The exponential linear unit against the definition in float64."""

import jax
import jax.numpy as jnp
import numpy as np

from slugkit.model.elu import elu

POINTS = np.r_[-100.0, np.linspace(-5, 5, 101), 1e-6, -1e-6, 100.0]


def test_value_and_slopes_of_all_modes():
    x = jnp.asarray(POINTS, jnp.float32)
    exact = np.where(POINTS > 0, POINTS, np.expm1(np.minimum(POINTS, 0)))
    slope = np.where(POINTS > 0, 1, np.exp(np.minimum(POINTS, 0)))
    # e^x - 1 is rounded twice, each time by half a unit of at most 1.
    eps = 2 * np.finfo(np.float32).eps
    np.testing.assert_allclose(elu(x), exact, rtol=eps, atol=eps)
    forward = jax.jvp(elu, (x,), (jnp.ones_like(x),))[1]
    reverse = jax.vmap(jax.grad(elu))(x)
    np.testing.assert_allclose(forward, slope, rtol=eps, atol=eps)
    np.testing.assert_array_equal(forward, reverse)


def test_second_derivative():
    x = jnp.array([-2.0, -0.5, 1.0])
    found = jax.vmap(jax.grad(jax.grad(elu)))(x)
    np.testing.assert_allclose(found, [np.exp(-2), np.exp(-0.5), 0], rtol=1e-5)


def test_far_below_zero_nothing_overflows_or_is_undefined():
    assert float(elu(jnp.float32(-1e30))) == -1
    assert float(jax.grad(elu)(-1e30)) == 0
    assert float(jax.grad(elu)(1e30)) == 1
