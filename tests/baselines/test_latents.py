"""Latents and their places in the image."""

import numpy as np
from baseline_checks import IMAGES, MODEL, PROBLEM
from linear_model import flat, weights

from slugkit.baselines.latents import encode, to_pixels


def test_a_spatial_latent_is_enlarged_to_the_pixels_it_came_from():
    latents = np.arange(8.0).reshape(1, 2, 2, 2)
    map_ = to_pixels(latents, (4, 4))
    np.testing.assert_array_equal(map_[0, 2:, :2], np.full((2, 2), 4.0 + 5.0))
    np.testing.assert_array_equal(map_[0, :2, 2:], np.full((2, 2), 2.0 + 3.0))


def test_the_encoder_is_asked_batch_by_batch():
    e, _ = weights(MODEL)
    mean, standard_deviation = encode(PROBLEM, IMAGES)
    np.testing.assert_allclose(mean, flat(IMAGES) @ e, rtol=1e-4, atol=1e-6)
    assert (standard_deviation == 0.5).all()
