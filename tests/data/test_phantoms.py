"""Synthetic volumes, their lesions and the needles in them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugkit.data.synthesis.phantoms import phantoms, with_needles

SHAPES = [(16, 16), (12, 20), (12, 12, 12), (8, 12, 16)]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_same_seed_draws_the_same_phantoms(shape):
    volumes, masks = phantoms(3, shape, seed=1)
    assert volumes.shape == (3, *shape, 1)
    assert volumes.dtype == np.float32
    assert masks.shape == (3, *shape)
    assert 0 <= volumes.min() < volumes.max() <= 1
    again, _ = phantoms(2, shape, seed=1)
    np.testing.assert_array_equal(volumes[:2], again)
    other, _ = phantoms(3, shape, seed=2)
    assert (volumes != other).any()
    assert (volumes[0] != volumes[1]).any()


@pytest.mark.parametrize("shape", SHAPES)
def test_lesions_are_brighter_than_the_rest(shape):
    volumes, masks = phantoms(8, shape, seed=0)
    assert masks.any(axis=tuple(range(1, masks.ndim))).all()
    assert volumes[..., 0][masks].mean() > volumes[..., 0][~masks].mean() + 0.2


@given(st.sampled_from(SHAPES), st.integers(0, 1000))
def test_a_needle_changes_its_mask_alone_and_there_towards_its_own_value(shape, seed):
    volumes, _ = phantoms(2, shape, seed)
    changed, masks = with_needles(volumes, seed)
    difference = (changed - volumes)[..., 0]
    assert masks.any(axis=tuple(range(1, masks.ndim))).all()
    assert (difference[masks] > 0).all()
    assert (difference[~masks] == 0).all()
    assert changed.max() <= 1
    assert masks.mean() < 0.3
