"""Checks of arrays and keys."""

import jax
import numpy as np
import pytest

from slugkit.checks.arrays import check_batch_size, check_images, check_key
from slugkit.errors import InputError


def test_good_images_come_back_unchanged():
    images = np.random.default_rng(0).random((3, 4, 4, 2), np.float32)
    assert check_images(images, (4, 4, 2)) is images
    assert check_images(images.tolist()).shape == images.shape


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((0, 4)), "at least one image"),
        (np.zeros(4), "at least one image"),
        (np.zeros((2, 4), np.uint8), "type uint8"),
        (np.zeros((2, 5)), r"each image has shape \(5,\)"),
        (np.array([[0.0] * 4, [np.inf] * 4]), "image 1 has values that are not finite"),
    ],
)
def test_unusable_images_are_named(images, message):
    with pytest.raises(InputError, match=message):
        check_images(images, (4,))


def test_batch_sizes():
    check_batch_size(None)
    check_batch_size(1)
    with pytest.raises(InputError, match="batch_size is 0"):
        check_batch_size(0)


def test_keys_of_both_kinds_are_taken():
    check_key(jax.random.key(0))
    check_key(jax.random.PRNGKey(0))


@pytest.mark.parametrize("key", [0, None, np.zeros(2), "key"])
def test_what_is_no_key_is_refused(key):
    with pytest.raises(InputError, match="give one random key of JAX"):
        check_key(key)


def test_several_keys_are_refused():
    with pytest.raises(InputError, match="give one random key of JAX"):
        check_key(jax.random.split(jax.random.key(0), 3))
