"""Products with the Jacobian against the dense one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_model import apply, dense_jacobian, make_images, make_params

from slugkit.errors import ImageError
from slugkit.operators.jacobian import Jacobian, lineariser, pull, push, trace_products
from slugkit.operators.parameters import flatten

PARAMS, IMAGES = make_params(), make_images(3)
FLAT = flatten(PARAMS)
DENSE = dense_jacobian(PARAMS, IMAGES)


def test_pushes_and_pulls_of_a_batch():
    outputs, jvp = lineariser(apply, FLAT)(jnp.asarray(IMAGES))
    np.testing.assert_allclose(outputs, apply(PARAMS, IMAGES), rtol=1e-5)
    random = np.random.default_rng(0)
    v = random.normal(size=FLAT.size).astype(np.float32)
    np.testing.assert_allclose(
        np.asarray(push(jvp, v)).reshape(3, -1), DENSE @ v, rtol=1e-4, atol=1e-5
    )
    y = random.normal(size=outputs.shape).astype(np.float32)
    expected = np.einsum("nip,ni->p", DENSE, y.reshape(3, -1))
    made = pull(jvp, y, FLAT.size, FLAT.dtype)
    np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-5)


def test_the_jacobian_of_one_image():
    jacobian = Jacobian(lineariser(apply, FLAT), FLAT, IMAGES[1])
    assert (jacobian.size, jacobian.length) == DENSE[1].shape
    assert jacobian.shape == IMAGES.shape[1:]
    identity = np.eye(jacobian.size, dtype=np.float32)
    np.testing.assert_allclose(jacobian.pull(identity), DENSE[1], rtol=1e-4, atol=1e-6)
    v = np.random.default_rng(1).normal(size=(2, FLAT.size)).astype(np.float32)
    np.testing.assert_allclose(jacobian.push(v), v @ DENSE[1].T, rtol=1e-4, atol=1e-5)


def test_a_model_that_cannot_be_hashed_serves_too():
    class Model(dict):
        def __call__(self, params, images):
            return apply(params, images) * self["scale"]

    outputs, _ = lineariser(Model(scale=2.0), FLAT)(jnp.asarray(IMAGES))
    np.testing.assert_allclose(outputs, 2 * apply(PARAMS, IMAGES), rtol=1e-5)


@pytest.mark.parametrize("kind", [jnp.bfloat16, jnp.float16, jnp.float8_e4m3fn])
def test_outputs_and_products_of_coarse_models_have_32_bits(kind):
    def model(params, images):
        return apply(params, images).astype(kind)

    jacobian = Jacobian(lineariser(model, FLAT), FLAT, IMAGES[0])
    assert jacobian.outputs.dtype == np.float32
    v = np.random.default_rng(1).normal(size=(2, FLAT.size)).astype(np.float32)
    assert jacobian.push(v).dtype == np.float32
    assert jacobian.pull(jacobian.push(v)).dtype == np.float32


def test_outputs_of_double_precision_keep_it():
    with jax.enable_x64(True):

        def model(params, images):
            return apply(params, images).astype(jnp.float64)

        jacobian = Jacobian(lineariser(model, FLAT), FLAT, IMAGES[0])
        v = np.ones((1, FLAT.size), np.float32)
        assert jacobian.push(v).dtype == np.float64
        assert jacobian.pull(jacobian.push(v)).dtype == np.float32


def test_products_that_are_not_finite_are_refused():
    def model(params, images):
        return jnp.sqrt(jnp.abs(apply(params, images) - 0.5))

    flat = flatten(jax.tree.map(lambda leaf: 0 * leaf, PARAMS))
    jacobian = Jacobian(lineariser(model, flat), flat, IMAGES[0])
    assert np.isfinite(np.asarray(jacobian.outputs)).all()
    with pytest.raises(ImageError, match="not finite at image 0"):
        jacobian.push(np.ones((1, FLAT.size), np.float32))
    with pytest.raises(ImageError, match="not finite at image 0"):
        jacobian.pull(np.ones((1, jacobian.size), np.float32))


def test_traces_are_those_of_both_products():
    images = jax.ShapeDtypeStruct(IMAGES.shape, IMAGES.dtype)
    forward, backward = trace_products(apply, FLAT, images)
    assert forward.in_avals[-1].shape == (FLAT.size,)
    assert backward.out_avals[0].shape == (FLAT.size,)
