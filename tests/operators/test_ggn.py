"""Products with the generalised Gauss-Newton matrix against the dense one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slugkit.operators import ggn
from slugkit.operators.parameters import flatten


def network(params, images):
    return jnp.tanh(images @ params["first"]) @ params["second"]


@pytest.mark.parametrize("bytes_kept", [0, 3000, 1 << 30])
def test_keeping_activations_changes_no_bit(monkeypatch, bytes_kept):
    random = np.random.default_rng(0)
    params = {
        "first": jnp.asarray(random.normal(size=(6, 5)), jnp.float32),
        "second": jnp.asarray(random.normal(size=(5, 4)), jnp.float32),
    }
    images = random.normal(size=(10, 6)).astype(np.float32)
    flat = flatten(params)
    monkeypatch.setattr(ggn, "BYTES_KEPT", bytes_kept)
    product = ggn.ggn_product(network, flat, images, batch_size=4)
    vector = random.normal(size=flat.size).astype(np.float32)
    first, second = product(vector), product(vector)
    np.testing.assert_array_equal(first, second)
    with jax.enable_x64(True):
        exact = flatten(jax.tree.map(lambda leaf: leaf.astype(jnp.float64), params))
        jacobian = jax.jacfwd(
            lambda v: network(exact.to_tree(v, exact.fixed), images.astype(np.float64)).ravel()
        )(exact.vector)
        dense = np.asarray(jacobian.T @ (jacobian @ vector))
    # 40 outputs and 50 parameters: sums of some dozens of terms in single precision.
    np.testing.assert_allclose(first, dense, atol=100 * np.finfo(np.float32).eps * abs(dense).max())
