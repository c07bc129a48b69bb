"""Overlays: exact masks, one object per seed at every resolution, clear refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slugkit.data.synthesis.foreign_objects import OBJECTS, overlay, overlay_each
from slugkit.data.synthesis.synthetic import generate
from slugkit.errors import InputError


def photograph(height, width, seed=0):
    noise = np.random.default_rng(seed).uniform(0.2, 0.8, (height, width, 3))
    return noise.astype(np.float32)


@pytest.mark.parametrize("kind", OBJECTS)
@settings(max_examples=15, deadline=None)
@given(
    height=st.integers(16, 90),
    width=st.integers(16, 90),
    seed=st.integers(0, 2**32),
    scale=st.floats(0.5, 1.5),
    contrast=st.floats(0.05, 1),
)
def test_the_mask_is_exactly_what_changed(kind, height, width, seed, scale, contrast):
    image = photograph(height, width)
    before = image.copy()
    changed, mask = overlay(image, kind, np.random.default_rng(seed), scale, contrast)
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(mask, (changed != image).any(axis=-1))
    assert changed.dtype == np.float32
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert 0 < mask.mean() < 0.9


@pytest.mark.parametrize("kind", OBJECTS)
def test_an_object_is_the_same_at_every_resolution(kind):
    overlaps = []
    for seed in range(10):
        masks = [
            overlay(np.full((n, n, 3), 0.6), kind, np.random.default_rng(seed))[1]
            for n in (64, 128)
        ]
        coarse = masks[1].reshape(64, 2, 64, 2).mean(axis=(1, 3))
        overlaps.append(np.minimum(coarse, masks[0]).sum() / coarse.sum())
    assert np.mean(overlaps) > 0.8


@pytest.mark.parametrize("kind", OBJECTS)
def test_contrast_scales_the_change(kind):
    image = np.full((64, 64, 3), 0.6, np.float32)
    full, mask = overlay(image, kind, np.random.default_rng(3))
    half, same = overlay(image, kind, np.random.default_rng(3), contrast=0.5)
    np.testing.assert_array_equal(mask, same)
    np.testing.assert_allclose(half - image, 0.5 * (full - image), atol=1e-6)


@pytest.mark.parametrize("kind", ["ruler", "ink", "patch", "gel", "corner", "hair"])
def test_scale_enlarges_the_object(kind):
    image = np.full((96, 96, 3), 0.6)
    small, large = (
        np.mean([overlay(image, kind, np.random.default_rng(s), scale)[1] for s in range(12)])
        for scale in (0.6, 1.4)
    )
    assert large > 1.2 * small


def test_rows_are_independent_and_in_order():
    images = generate([1, 3, 6, 2], 24, 0)
    kinds = ["ruler", "gel", "hair", "ink"]
    changed, masks = overlay_each(images, kinds, seed=5)
    first, first_mask = overlay_each(images[:2], kinds[:2], seed=5)
    np.testing.assert_array_equal(changed[:2], first)
    np.testing.assert_array_equal(masks[:2], first_mask)
    np.testing.assert_array_equal(masks, (changed != images).any(axis=-1))
    assert (masks != overlay_each(images, kinds, seed=6)[1]).any()


def test_no_images_give_no_masks():
    changed, masks = overlay_each(np.zeros((0, 32, 32, 3)), [], seed=0)
    assert changed.shape == (0, 32, 32, 3)
    assert masks.shape == (0, 32, 32)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "coin"}, "choose one of ruler"),
        ({"scale": 0}, "scale is 0"),
        ({"scale": float("nan")}, "scale is nan"),
        ({"contrast": 1.5}, "contrast is 1.5"),
        ({"image": np.zeros((32, 32))}, r"shape \(32, 32\)"),
        ({"image": np.zeros((15, 32, 3))}, "16 pixels or more"),
        ({"image": np.full((32, 32, 3), 255)}, r"outside \[0, 1\]"),
        ({"image": np.full((32, 32, 3), np.nan)}, "not a number"),
    ],
)
def test_bad_input_is_refused(change, message):
    arguments = {"image": np.zeros((32, 32, 3)), "kind": "ink", "rng": np.random.default_rng(0)}
    with pytest.raises(InputError, match=message):
        overlay(**(arguments | change))


@pytest.mark.parametrize("kinds", ["ink", ["ink"], ["ink", "ink", "coin"]])
def test_kinds_must_match_the_images(kinds):
    with pytest.raises(InputError):
        overlay_each(np.zeros((3, 32, 32, 3)), kinds, seed=0)


def test_a_negative_seed_is_refused():
    with pytest.raises(InputError, match="seed is -1"):
        overlay_each(np.zeros((1, 32, 32, 3)), ["ink"], seed=-1)
