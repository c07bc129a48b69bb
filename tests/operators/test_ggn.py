"""Products with the generalised Gauss-Newton matrix against the dense one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slugkit.errors import ImageError
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


def root(params, images):
    """Have an infinite derivative where the image is black, and a finite output."""
    return jnp.sqrt(jnp.abs(images @ params["first"])) @ params["second"]


def norm(params, images):
    return jnp.linalg.norm(images @ params["first"], axis=1, keepdims=True) * params["second"][:1]


@pytest.mark.parametrize("model", [root, norm])
@pytest.mark.parametrize("black", [0, 3, 6])
@pytest.mark.parametrize("batch_size", [1, 3, None])
def test_the_image_whose_derivative_is_not_finite_is_named(model, black, batch_size):
    random = np.random.default_rng(0)
    params = {"first": random.normal(size=(6, 5)), "second": random.normal(size=(5, 4))}
    flat = flatten(jax.tree.map(np.float32, params))
    images = random.normal(size=(7, 6)).astype(np.float32)
    images[black] = 0
    assert np.isfinite(np.asarray(model(params, images))).all()
    product = ggn.ggn_product(model, flat, images, batch_size=batch_size)
    with pytest.raises(ImageError) as error:
        product(np.ones(flat.size, np.float32))
    assert error.value.image == black
    assert f"not finite at image {black}; look for a root" in str(error.value)


def test_each_batch_is_visited_once():
    params = {"first": jnp.ones((6, 5)), "second": jnp.ones((5, 4))}
    flat, images = flatten(params), np.ones((7, 6), np.float32)
    visits = []
    product = ggn.ggn_product(
        network,
        flat,
        images,
        batch_size=3,
        visit=lambda batch, outputs: visits.append((batch.start, outputs.shape)),
    )
    product(np.ones(flat.size, np.float32))
    product(np.ones(flat.size, np.float32))
    assert visits == [(0, (3, 4)), (3, (3, 4)), (6, (3, 4))]
