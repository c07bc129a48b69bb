"""Checks of a model."""

import jax.numpy as jnp
import numpy as np
import pytest
from small_model import SHAPE, apply, make_images, make_params

from slugkit.checks.model import check_model, check_outputs
from slugkit.errors import InputError
from slugkit.operators.parameters import flatten

FLAT = flatten(make_params())


def test_a_good_model_gives_the_shape_of_its_outputs():
    assert check_model(apply, FLAT, make_images(3)) == SHAPE


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda p, x: apply(p, x).sum(axis=0), "first axis counts"),
        (lambda p, x: apply(p, x) > 0, "type bool"),
        (lambda p, x: apply(p, x - x.mean(axis=0)), "batch normalisation"),
        (lambda p, x: apply(p, x) / 0, "outputs are not finite for images 0 to 2"),
    ],
)
def test_unusable_models_are_named(model, message):
    with pytest.raises(InputError, match=message):
        check_model(model, FLAT, make_images(3))


def test_a_model_that_draws_is_named():
    random = np.random.default_rng(0)

    def noisy(params, images):
        return apply(params, images) * random.uniform(size=images.shape)

    with pytest.raises(InputError, match="switch off dropout"):
        check_model(noisy, FLAT, make_images(3))


def test_the_images_of_a_broken_batch_are_named():
    images = make_images(5)
    images[4] = 1e30

    def model(params, x):
        return apply(params, x) + x**2

    with pytest.raises(InputError, match="images 4 to 4"):
        check_model(model, FLAT, images, batch_size=2)


def test_finite_outputs_pass():
    check_outputs(jnp.ones((2, 3)), 0, 2)
