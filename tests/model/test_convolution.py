"""Convolutions and all their derivatives against XLA's, in float64."""

import contextlib
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from slugkit.model.convolution import LAYOUT, VOLUMES, convolution


def both(images, kernel, strides, padding):
    """Return ours and XLA's convolution as functions of images and kernel."""
    layout = LAYOUT if len(images) == 4 else VOLUMES
    numbers = lax.conv_dimension_numbers(images, kernel, layout)
    options = {"window_strides": strides, "padding": padding, "dimension_numbers": numbers}

    def ours(x, w):
        return convolution(x, w, strides, padding, dimension_numbers=numbers)

    return ours, lambda x, w: lax.conv_general_dilated(x, w, **options)


def drawn(shape, seed=0, dtype=np.float64):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), dtype)


def agree(found, expected):
    # Sums of a few thousand products in another order: far above what rounding can make of them,
    # n eps with n below 1e5, and far below any mistake.
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * np.abs(b).max()),
        found,
        expected,
    )


CASES = {
    "as the network's": ((3, 24, 24, 4), (3, 3, 4, 4), 1, "SAME"),
    "channels to colours": ((2, 18, 16, 6), (3, 3, 6, 3), 1, "SAME"),
    "in pieces": ((1, 120, 130, 30), (3, 3, 30, 8), 1, "SAME"),
    "an odd image and kernel": ((2, 33, 17, 2), (3, 5, 2, 3), 1, [(0, 2), (4, 1)]),
    "halved, odd": ((2, 33, 31, 2), (3, 3, 2, 3), 2, "SAME"),
    "strides that leave pixels over": ((2, 35, 37, 2), (3, 3, 2, 3), 4, [(1, 0), (0, 2)]),
    "volumes": ((2, 5, 20, 18, 2), (3, 3, 3, 2, 3), 1, "SAME"),
    "volumes, halved": ((2, 7, 35, 34, 2), (3, 3, 2, 2, 3), 2, [(1, 2), (0, 1), (1, 1)]),
}


@pytest.fixture(autouse=True)
def _in_double_precision():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("name", CASES)
def test_all_orders_and_modes_of_derivatives(name):
    shape, kernel, stride, padding = CASES[name]
    ours, theirs = both(shape, kernel, (stride,) * (len(shape) - 2), padding)
    x, w = drawn(shape), drawn(kernel, 1)
    assert "correlate" in str(jax.make_jaxpr(ours)(x, w)), "left to XLA"
    y = theirs(x, w)
    agree(ours(x, w), y)

    @jax.jit
    def derivatives(x, w):
        made = []
        for convolve in (ours, theirs):

            def loss(x, w, convolve=convolve):
                return jnp.sum(jnp.sin(convolve(x, w)))

            def squared_slope(x, w, loss=loss):
                return sum(jnp.sum(part**2) for part in jax.grad(loss, (0, 1))(x, w))

            def of_weights(w, convolve=convolve):
                return convolve(x, w) ** 2

            _, push = jax.linearize(of_weights, w)
            (pulled,) = jax.linear_transpose(push, w)(y)
            made.append(
                {
                    "gradient": jax.grad(loss, (0, 1))(x, w),
                    "forward over reverse": jax.jvp(
                        jax.grad(loss, (0, 1)), (x, w), (x * 0.5, w + 1)
                    ),
                    "reverse over reverse": jax.grad(squared_slope, (0, 1))(x, w),
                    "linearised": push(w + 1),
                    "and transposed": pulled,
                    "recomputed": jax.grad(jax.checkpoint(loss), 1)(x, w),
                }
            )
        return made

    agree(*derivatives(x, w))


@pytest.mark.parametrize("axes", [(0, None), (None, 0), (0, 0)])
@pytest.mark.parametrize("stride", [1, 2])
def test_batches_of_images_and_of_kernels(axes, stride):
    shape, kernel = (2, 20, 18, 3), (3, 3, 3, 4)
    x = drawn((3, *shape) if axes[0] == 0 else shape)
    w = drawn((3, *kernel) if axes[1] == 0 else kernel, 1)
    found = []
    for convolve in both(shape, kernel, (stride, stride), "SAME"):

        def loss(x, w, convolve=convolve):
            return jnp.sum(jnp.sin(convolve(x, w)))

        found.append((jax.vmap(convolve, axes)(x, w), jax.vmap(jax.grad(loss, (0, 1)), axes)(x, w)))
    agree(*found)


def test_products_with_many_cotangents_at_once():
    shape, kernel = (2, 20, 18, 3), (3, 3, 3, 4)
    x, w = drawn(shape), drawn(kernel, 1)
    cotangents = drawn((5, 2, 20, 18, 4), 2)
    agree(
        *(
            jax.vmap(jax.vjp(convolve, x, w)[1])(cotangents)
            for convolve in both(shape, kernel, (1, 1), "SAME")
        )
    )


@settings(max_examples=8, deadline=None)
@given(
    sides=st.tuples(st.integers(3, 24), st.integers(3, 24)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    channels=st.tuples(st.integers(1, 9), st.integers(1, 30)),
    padding=st.tuples(*[st.integers(0, 2)] * 4),
    stride=st.integers(1, 3),
)
def test_any_shape(sides, kernel, channels, padding, stride):
    shape, kernel = (2, *sides, channels[0]), (*kernel, *channels)
    pads = [tuple(padding[:2]), tuple(padding[2:])]
    agree_with_first_derivatives(shape, kernel, (stride, stride), pads)


def by_taps(x, w, strides, pads):
    """The definition: the pixels that each tap of the kernel meets.

    XLA's own convolution is no reference for volumes of any shape: some derivatives abort it, as
    that of (2, 6, 10, 5, 5) with a kernel (3, 2, 3, 5, 7) and strides (3, 2, 1).
    """
    x = jnp.pad(x, [(0, 0), *pads, (0, 0)])
    places = zip(x.shape[1:-1], w.shape[:-2], strides, strict=True)
    counts = [(side - taps) // stride + 1 for side, taps, stride in places]
    total = 0
    for tap in np.ndindex(w.shape[:-2]):
        met = zip(tap, counts, strides, strict=True)
        where = [slice(first, first + (n - 1) * stride + 1, stride) for first, n, stride in met]
        total += x[(slice(None), *where)] @ w[tap]
    return total


def agree_with_first_derivatives(shape, kernel, strides, pads):
    ours, _ = both(shape, kernel, strides, pads)
    x, w = drawn(shape), drawn(kernel, 1)

    @jax.jit
    def derivatives(x, w):
        made = []
        for convolve in (ours, lambda x, w: by_taps(x, w, strides, pads)):
            y, pull = jax.vjp(convolve, x, w)
            made.append((y, pull(jnp.cos(y))))
        return made

    agree(*derivatives(x, w))


@settings(max_examples=8, deadline=None)
@given(
    sides=st.tuples(*[st.integers(3, 12)] * 3),
    kernel=st.tuples(*[st.integers(1, 3)] * 3),
    channels=st.tuples(st.integers(1, 5), st.integers(1, 9)),
    padding=st.tuples(*[st.integers(0, 2)] * 6),
    strides=st.tuples(*[st.integers(1, 3)] * 3),
)
def test_any_volume(sides, kernel, channels, padding, strides):
    pads = [padding[:2], padding[2:4], padding[4:]]
    agree_with_first_derivatives((2, *sides, channels[0]), (*kernel, *channels), strides, pads)


@pytest.mark.parametrize(
    ("options", "dtype"),
    [
        ({"feature_group_count": 2}, np.float32),
        ({"rhs_dilation": (2, 2)}, np.float32),
        ({"padding": [(3, 0), (0, 3)]}, np.float32),
        ({}, jnp.bfloat16),
        ({"preferred_element_type": np.float64}, np.float32),
    ],
)
def test_what_is_unusual_is_left_to_xla(options, dtype):
    groups = options.get("feature_group_count", 1)
    x, w = drawn((1, 8, 8, 4), dtype=dtype), drawn((3, 3, 4 // groups, 2), 1, dtype)
    numbers = lax.conv_dimension_numbers(x.shape, w.shape, LAYOUT)
    options = {"padding": "SAME", "dimension_numbers": numbers} | options
    made = convolution(x, w, (1, 1), **options)
    expected = lax.conv_general_dilated(x, w, (1, 1), **options)
    assert made.dtype == expected.dtype
    np.testing.assert_array_equal(made, expected)


@pytest.mark.parametrize("asked_for", [None, "highest", "tensorfloat32"])
def test_a_graphics_card_is_told_the_same_precision_as_by_xla(asked_for):
    """What was asked for counts where a function is traced, whoever lowers it later."""
    shape, kernel = (2, 24, 24, 4), (3, 3, 4, 4)
    ours, theirs = both(shape, kernel, (1, 1), "SAME")
    x, w = drawn(shape, dtype=np.float32), drawn(kernel, 1, np.float32)

    def told(function):
        with jax.default_matmul_precision(asked_for) if asked_for else contextlib.nullcontext():
            loss = jax.grad(lambda x, w: (function(x, w) ** 2).sum(), argnums=(0, 1))
            traced = jax.jit(loss).trace(x, w)
        lowered = traced.lower(lowering_platforms=("cuda",))
        found = re.findall(r"precision_config = (\[[^]]*\])", lowered.as_text())
        assert found
        return set(found)

    assert told(ours) == told(theirs)


def test_single_precision_is_as_exact_as_xlas():
    """Each is off by a few units of rounding of the sum of absolute products."""
    shape, kernel = (4, 64, 64, 12), (3, 3, 12, 12)
    x, w, y = drawn(shape), drawn(kernel, 1), drawn(shape, 2)
    ours, theirs = both(shape, kernel, (1, 1), "SAME")
    _, exact = jax.vjp(theirs, x, w)
    size = jax.vjp(theirs, jnp.abs(x), jnp.abs(w))[1](jnp.abs(y))
    single = [array.astype(np.float32) for array in (x, w, y)]
    found = jax.vjp(ours, *single[:2])[1](single[2])
    for one, other, bound in zip(found, exact(y), size, strict=True):
        # Blocked sums of n terms err by about sqrt(n) eps; n is at most 16,384 here.
        assert (jnp.abs(one - other) <= 128 * np.finfo(np.float32).eps * bound).all()
