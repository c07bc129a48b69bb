"""Sketches: random maps that keep inner products on average."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slugkit.errors import InputError
from slugkit.linalg.sketch import make_sketch

KINDS = ("srft", "sparse")


@pytest.mark.parametrize("kind", KINDS)
def test_inner_products_are_kept_on_average(kind):
    random = np.random.default_rng(0)
    x, y = random.normal(size=(2, 60))
    made = np.array(
        [np.vdot(s(x), s(y)) for s in (make_sketch(kind, 60, 20, i) for i in range(800))]
    )
    error = made.std(ddof=1) / np.sqrt(len(made))
    assert abs(made.mean() - np.vdot(x, y)) < 4 * error


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30, deadline=None)
@given(length=st.integers(2, 200), seed=st.integers(0, 2**31), fraction=st.floats(0.05, 1))
def test_a_sketch_is_linear_and_made_again_from_its_description(kind, length, seed, fraction):
    sketch = make_sketch(kind, length, max(1, int(fraction * length)), seed)
    x, y = np.random.default_rng(seed).normal(size=(2, length))
    np.testing.assert_allclose(sketch(x - 2 * y), sketch(x) - 2 * sketch(y), atol=1e-9)
    again = make_sketch(**sketch.description())
    np.testing.assert_array_equal(sketch(np.stack([x, y])), again(np.stack([x, y])))


def test_a_full_srft_keeps_lengths():
    # 128 is a length whose transform is fast, so that nothing is padded.
    sketch = make_sketch("srft", 128, 128, 3)
    x = np.random.default_rng(0).normal(size=(5, 128))
    np.testing.assert_allclose(np.linalg.norm(sketch(x), axis=1), np.linalg.norm(x, axis=1))


@pytest.mark.parametrize(
    ("kind", "size", "message"),
    [
        ("gauss", 10, "choose 'srft' or 'sparse'"),
        ("srft", 0, "sketch_size is 0"),
        ("sparse", 101, "sketch_size is 101; give a number from 1 to .* 100"),
    ],
)
def test_refuses_bad_input(kind, size, message):
    with pytest.raises(InputError, match=message):
        make_sketch(kind, 100, size, 0)
