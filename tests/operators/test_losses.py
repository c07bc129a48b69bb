"""Hessians of losses against second derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slugkit.operators.losses import bernoulli, categorical, gaussian, perceptual


@pytest.mark.parametrize(
    ("hessian", "loss"),
    [
        (gaussian(0.3), lambda y: 0.5 * (y**2).sum() / 0.3),
        (bernoulli(), lambda y: jnp.logaddexp(0, y).sum()),
        (categorical(), lambda y: jax.nn.logsumexp(y, axis=-1).sum()),
        (
            perceptual(lambda y: {"a": y[..., 0] * 3, "b": y * 2}, 0.7),
            lambda y: (
                0.5 * (y**2).sum()
                + 0.7 * 0.5 * ((3 * y[..., 0]) ** 2).mean()
                + 0.7 * 0.5 * ((2 * y) ** 2).mean()
            ),
        ),
    ],
)
def test_loss_hessians_agree_with_second_derivatives(hessian, loss):
    with jax.enable_x64(True):
        check(hessian, loss)


def check(hessian, loss):
    y, t = np.random.default_rng(0).normal(size=(2, 3, 4, 4, 2))
    expected = jnp.stack(
        [jax.jvp(jax.grad(loss), (one,), (v,))[1] for one, v in zip(y, t, strict=True)]
    )
    np.testing.assert_allclose(hessian(jnp.asarray(y), jnp.asarray(t)), expected, rtol=1e-9)
