"""Synthetic skin: reproducible, independent of its batch, and of the colour it promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slugkit.data.synthesis.skin_colour import (
    fitzpatrick_type,
    linear_rgb,
    srgb_from_linear,
    typology_angle,
)
from slugkit.data.synthesis.synthetic import base_skin, generate
from slugkit.errors import InputError

types = st.lists(st.integers(1, 6), min_size=1, max_size=4)


@settings(max_examples=15, deadline=None)
@given(fitzpatrick=types, size=st.integers(16, 48), seed=st.integers(0, 2**40))
def test_shape_range_and_determinism(fitzpatrick, size, seed):
    images = generate(fitzpatrick, size, seed)
    assert images.shape == (len(fitzpatrick), size, size, 3)
    assert images.dtype == np.float32
    assert images.min() >= 0
    assert images.max() <= 1
    np.testing.assert_array_equal(images, generate(np.array(fitzpatrick), size, seed))


@settings(max_examples=15, deadline=None)
@given(fitzpatrick=types, others=types, seed=st.integers(0, 1000))
def test_an_image_does_not_depend_on_its_batch(fitzpatrick, others, seed):
    last = len(fitzpatrick) - 1
    alone = generate(fitzpatrick, 16, seed)[last]
    row = [*(others * 4)[:last], fitzpatrick[last], *others]
    np.testing.assert_array_equal(alone, generate(row, 16, seed)[last])


def test_images_can_be_asked_for_by_number():
    whole = generate([1, 2, 3, 4], 16, 3)
    np.testing.assert_array_equal(generate([4, 2], 16, 3, numbers=[3, 1]), whole[[3, 1]])
    for numbers in ([0], [0, -1]):
        with pytest.raises(InputError, match="numbers is"):
            generate([4, 2], 16, 3, numbers=numbers)


def test_another_size_is_the_same_picture():
    small, large = generate([1, 3, 6], 32, 4), generate([1, 3, 6], 64, 4)
    reduced = large.reshape(3, 32, 2, 32, 2, 3).mean(axis=(2, 4))
    same = np.abs(small - reduced).mean(axis=(1, 2, 3))
    other = np.abs(small - reduced[::-1]).mean(axis=(1, 2, 3))
    assert same.max() < 0.015
    assert other[[0, 2]].min() > 0.1


def test_the_type_changes_the_skin_and_nothing_else():
    light, dark = generate([3] * 20, 32, 0).mean(axis=-1), generate([4] * 20, 32, 0).mean(axis=-1)
    correlation = [
        np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(light, dark, strict=True)
    ]
    shuffled = [
        np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(light[1:], dark, strict=False)
    ]
    assert np.median(correlation) > 0.8
    assert np.median(shuffled) < 0.4


def test_images_and_seeds_differ():
    images = np.concatenate([generate([3, 3, 3], 16, 0), generate([3, 3], 16, 1)])
    assert len(np.unique(images.reshape(5, -1), axis=0)) == 5


@settings(max_examples=60, deadline=None)
@given(fitzpatrick=st.integers(1, 6), seed=st.integers(0, 2**32))
def test_healthy_skin_lies_in_its_typology_bin(fitzpatrick, seed):
    colour = srgb_from_linear(linear_rgb(*base_skin(fitzpatrick, np.random.default_rng(seed))))
    assert fitzpatrick_type(typology_angle(colour)) == fitzpatrick


def test_photographs_darken_with_the_fitzpatrick_type():
    angles = []
    for kind in range(1, 7):
        images = generate([kind] * 30, 16, 0)
        angles.append(np.median(typology_angle(np.median(images, axis=(1, 2)))))
    assert np.all(np.diff(angles) < 0)
    assert fitzpatrick_type(angles).tolist() == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("bad", [[0], [7], [1.5], [[1, 2]], [float("nan")], ["dark"], 3])
def test_bad_types_are_refused(bad):
    with pytest.raises(InputError, match="whole numbers 1 to 6"):
        generate(bad, 16, 0)


@pytest.mark.parametrize("size", [15, 0, -64, 32.5, float("nan")])
def test_bad_sizes_are_refused(size):
    with pytest.raises(InputError, match="16 or more"):
        generate([1], size, 0)


@pytest.mark.parametrize("seed", [-1, 0.5])
def test_bad_seeds_are_refused(seed):
    with pytest.raises(InputError, match="0 or more"):
        generate([1], 16, seed)


def test_no_images_is_an_empty_array():
    assert generate([], 16, 0).shape == (0, 16, 16, 3)
