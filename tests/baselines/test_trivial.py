"""Baselines that use no uncertainty of the weights, against numbers made by hand."""

from dataclasses import replace

import numpy as np
from baseline_checks import IMAGES, MODEL, PROBLEM, TRAIN
from linear_model import SHAPE, flat, weights

from slugkit.baselines.trivial import (
    ColourDistance,
    Divergence,
    EdgeEnergy,
    LocalContrast,
    NearestInLatent,
    NearestInPixels,
    NormOfMean,
    SquaredError,
)


def one(baseline, images=IMAGES):
    return baseline().compare(replace(PROBLEM, images=images))


def test_squared_error():
    e, w = weights(MODEL)
    found = one(SquaredError)
    exact = ((flat(IMAGES) @ e @ w - flat(IMAGES)) ** 2).reshape(-1, *SHAPE).sum(axis=-1)
    np.testing.assert_allclose(found.map, exact, rtol=1e-4)
    np.testing.assert_allclose(found.score, exact.sum(axis=(1, 2)), rtol=1e-4)


def test_divergence_and_norm_of_the_mean():
    e, _ = weights(MODEL)
    squares = np.sum((flat(IMAGES) @ e) ** 2, axis=1)
    np.testing.assert_allclose(one(NormOfMean).score, squares, rtol=1e-5)
    expected = squares / 2 + 3 * 0.5 * (0.25 - 1 - np.log(0.25))
    np.testing.assert_allclose(one(Divergence).score, expected, rtol=1e-5)


def test_edge_energy_of_one_bright_pixel():
    image = np.zeros((1, 5, 5, 3), np.float32)
    image[0, 2, 2] = 1
    found = one(EdgeEnergy, image)
    # Four edges of three channels each; the pixel itself has two of them.
    assert found.score.tolist() == [12.0]
    assert found.map[0, 2, 2] == 6.0
    assert found.map[0, 1, 2] == found.map[0, 2, 1] == 3.0


def test_local_contrast_of_one_bright_pixel():
    image = np.zeros((1, 11, 11, 3), np.float32)
    image[0, 5, 5] = 1
    map_ = one(LocalContrast, image).map[0]
    # One of 25 pixels of the window is 1, in each of three channels.
    np.testing.assert_allclose(map_[3:8, 3:8], 3 * (1 / 25 - 1 / 625))
    assert np.all(np.abs(map_[:3]) < 1e-12)


def test_colour_distance_is_zero_where_the_median_colour_is():
    image = np.full((1, 4, 4, 3), 0.25, np.float32)
    image[0, 0, 0] = (0.75, 0.25, 0.25)
    found = one(ColourDistance, image)
    assert found.score.tolist() == [0.25]
    assert found.map[0, 0, 0] == 0.25


def test_the_nearest_training_image_is_found():
    near = TRAIN[[3, 7]].copy()
    near[0, 0, 0, 0] += 0.125
    found = one(NearestInPixels, near)
    np.testing.assert_allclose(found.score, [0.125**2, 0], atol=1e-7)
    np.testing.assert_allclose(found.map[0], [[0.125**2, 0], [0, 0]], atol=1e-7)


def test_the_nearest_latent_is_found():
    e, _ = weights(MODEL)
    known, new = flat(TRAIN) @ e, flat(IMAGES) @ e
    expected = np.sum((new[:, None] - known) ** 2, axis=2).min(axis=1)
    np.testing.assert_allclose(one(NearestInLatent).score, expected, rtol=1e-3)
