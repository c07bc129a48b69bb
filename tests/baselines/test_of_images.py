"""Comparators that look at the image, its latent or its error, against numbers made by hand."""

import numpy as np
from linear_model import KEY, SHAPE, flat, make_images, make_model, weights

from slugkit.baselines import encoder_deviation, squared_error, trivial
from slugkit.baselines.comparison import Settings
from slugkit.baselines.latents import to_pixels

MODEL = make_model()
TRAIN, IMAGES = make_images(20), make_images(4, seed=1)
SETTINGS = Settings(num_samples=2, batch_size=8, likelihood_variance=0.1, rank=1)


def one(compare, images=IMAGES, train=TRAIN):
    return compare(MODEL, train, images, KEY, SETTINGS)


def test_squared_error():
    e, w = weights(MODEL)
    found = one(squared_error.compare)
    exact = ((flat(IMAGES) @ e @ w - flat(IMAGES)) ** 2).reshape(-1, *SHAPE).sum(axis=-1)
    np.testing.assert_allclose(found.map, exact, rtol=1e-4)
    np.testing.assert_allclose(found.score, exact.sum(axis=(1, 2)), rtol=1e-4)


def test_encoder_deviation_of_a_latent_without_a_place_has_no_map():
    found = one(encoder_deviation.compare)
    np.testing.assert_allclose(found.score, 0.5)
    assert found.map is None


def test_divergence_and_norm_of_the_mean():
    e, _ = weights(MODEL)
    squares = np.sum((flat(IMAGES) @ e) ** 2, axis=1)
    np.testing.assert_allclose(one(trivial.norm_of_mean).score, squares, rtol=1e-5)
    expected = squares / 2 + 3 * 0.5 * (0.25 - 1 - np.log(0.25))
    np.testing.assert_allclose(one(trivial.divergence).score, expected, rtol=1e-5)


def test_a_spatial_latent_is_enlarged_to_the_pixels_it_came_from():
    latents = np.arange(8.0).reshape(1, 2, 2, 2)
    map_ = to_pixels(latents, (4, 4))
    np.testing.assert_array_equal(map_[0, 2:, :2], np.full((2, 2), 4.0 + 5.0))
    np.testing.assert_array_equal(map_[0, :2, 2:], np.full((2, 2), 2.0 + 3.0))


def test_edge_energy_of_one_bright_pixel():
    image = np.zeros((1, 5, 5, 3), np.float32)
    image[0, 2, 2] = 1
    found = one(trivial.edge_energy, image)
    # Four edges of three channels each; the pixel itself has two of them.
    assert found.score.tolist() == [12.0]
    assert found.map[0, 2, 2] == 6.0
    assert found.map[0, 1, 2] == found.map[0, 2, 1] == 3.0


def test_local_contrast_of_one_bright_pixel():
    image = np.zeros((1, 11, 11, 3), np.float32)
    image[0, 5, 5] = 1
    map_ = one(trivial.local_contrast, image).map[0]
    # One of 25 pixels of the window is 1, in each of three channels.
    np.testing.assert_allclose(map_[3:8, 3:8], 3 * (1 / 25 - 1 / 625))
    assert np.all(np.abs(map_[:3]) < 1e-12)


def test_colour_distance_is_zero_where_the_median_colour_is():
    image = np.full((1, 4, 4, 3), 0.25, np.float32)
    image[0, 0, 0] = (0.75, 0.25, 0.25)
    found = one(trivial.colour_distance, image)
    assert found.score.tolist() == [0.25]
    assert found.map[0, 0, 0] == 0.25


def test_the_nearest_training_image_is_found():
    near = TRAIN[[3, 7]].copy()
    near[0, 0, 0, 0] += 0.125
    found = one(trivial.nearest_in_pixels, near)
    np.testing.assert_allclose(found.score, [0.125**2, 0], atol=1e-7)
    np.testing.assert_allclose(found.map[0], [[0.125**2, 0], [0, 0]], atol=1e-7)


def test_the_nearest_latent_is_found():
    e, _ = weights(MODEL)
    known, new = flat(TRAIN) @ e, flat(IMAGES) @ e
    expected = np.sum((new[:, None] - known) ** 2, axis=2).min(axis=1)
    np.testing.assert_allclose(one(trivial.nearest_in_latent).score, expected, rtol=1e-3)
