"""Checks of arrays and keys."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slugkit.checks.arrays import check_images, check_key, check_not_traced
from slugkit.errors import InputError

ONE = np.zeros((4, 2), np.float32)
KIND = "give one array whose first axis counts the images, such as np.stack(list(images))"
SHAPE = (
    "give at least one image, the first axis counting them, such as (n, height, width, channels)"
)
TYPE = (
    "give floating-point values of the range that the model was trained on, such as "
    "images.astype('float32') / 255"
)
MASKED = "fill them, as images.filled(0) does, or leave these images out"


def test_good_images_come_back_unchanged():
    images = np.random.default_rng(0).random((3, 4, 4, 2), np.float32)
    assert check_images(images, (4, 4, 2)) is images
    assert check_images(images.tolist()).shape == images.shape
    assert check_images(list(images)).shape == images.shape
    assert check_images(jnp.asarray(images, jnp.bfloat16)).dtype == jnp.bfloat16
    # Nothing is hidden.
    np.testing.assert_array_equal(check_images(np.ma.array(images)), images)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((0, 4, 2)), f"images have shape (0, 4, 2); {SHAPE}"),
        (np.zeros(4), f"images have shape (4,); {SHAPE}"),
        (np.zeros((3, 0)), f"images have shape (3, 0); {SHAPE}"),
        (
            ONE,
            "images have shape (4, 2), which is that of one image; give images[None], so that the "
            "first axis counts the images",
        ),
        (np.zeros((2, 4, 2), np.uint8), f"images have type uint8; {TYPE}"),
        (np.zeros((2, 4, 2), bool), f"images have type bool; {TYPE}"),
        (np.zeros((2, 4, 2), np.complex64), f"images have type complex64; {TYPE}"),
        (
            np.zeros((2, 5)),
            "each image has shape (5,), but the posterior was fitted to images of shape (4, 2); "
            "resize them",
        ),
        (
            np.array([ONE, ONE + np.inf]),
            "image 1 has values that are not finite; remove or repair it",
        ),
        ((one for one in [ONE]), f"images is of type generator; {KIND}"),
        (map(abs, [ONE]), f"images is of type map; {KIND}"),
        ({"image": ONE}, f"images is of type dict; {KIND}"),
        ("images.npy", f"images is the path 'images.npy'; {KIND}"),
        (None, f"images is None; {KIND}"),
        (1.0, f"images is of type float; {KIND}"),
        (["a.png", "b.png"], f"images is a list of str; {KIND}"),
        (np.array([ONE, None], object), f"images is of type ndarray; {KIND}"),
        (
            [ONE, ONE, ONE[:2]],
            "images 0 and 2 have different shapes, (4, 2) and (2, 2); resize them to one shape",
        ),
        ([[1.0], [1.0, 2.0]], f"images is a list of lists of unequal lengths; {KIND}"),
        (
            np.ma.masked_equal(np.array([ONE, ONE + 1]), 1),
            f"8 values of the images are masked; {MASKED}",
        ),
        (
            [np.ma.array(ONE), np.ma.masked_where(ONE == 0, ONE)],
            f"8 values of the images are masked; {MASKED}",
        ),
    ],
)
def test_unusable_images_are_named(images, message):
    with pytest.raises(InputError) as error:
        check_images(images, (4, 2))
    assert str(error.value) == message


def test_keys_of_both_kinds_are_taken():
    check_key(jax.random.key(0))
    check_key(jax.random.PRNGKey(0))


@pytest.mark.parametrize(
    ("key", "given"),
    [
        (0, "0"),
        (None, "None"),
        ("key", "'key'"),
        (np.zeros(2), "of type ndarray"),
        (np.random.default_rng(0), "of type Generator"),
        (jax.random.split(jax.random.key(0), 3), "an array of 3 keys"),
        (jax.random.split(jax.random.PRNGKey(0), 3), "an array of shape (3, 2)"),
        (np.zeros(5, np.uint32), "an array of shape (5,)"),
    ],
)
def test_what_is_no_key_is_refused(key, given):
    with pytest.raises(InputError) as error:
        check_key(key)
    message = f"key is {given}; give one random key of JAX, such as jax.random.key(0)"
    assert str(error.value) == message


@pytest.mark.parametrize("transform", [jax.jit, jax.vmap, jax.grad])
def test_what_is_traced_is_refused(transform):
    def call(x):
        check_not_traced("slug.score", images=[x], key=None)
        return x

    with pytest.raises(InputError) as error:
        transform(call)(jnp.ones(2) if transform is jax.vmap else 1.0)
    assert str(error.value) == (
        "images is traced by jax.jit, vmap or grad; call slug.score outside of them, as it "
        "compiles by itself what it repeats"
    )


def test_under_jit_all_is_traced():
    with pytest.raises(InputError) as error:
        jax.jit(lambda: check_not_traced("slug.score", images=ONE))()
    assert str(error.value) == (
        "the call of slug.score is traced by jax.jit, vmap or grad; call it outside of them, as it "
        "compiles by itself what it repeats"
    )
    check_not_traced("slug.score", images=(one for one in [ONE]), key=jax.random.key(0))
