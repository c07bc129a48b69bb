"""What every estimator must do on the small model, against its dense Jacobian."""

import numpy as np
from small_model import KEY

from slugkit import slug

# (rank, prior precision); a fit of rank 0 has no Lanczos vectors.
SETTINGS = [(0, None), (4, None), (4, 0.5)]
WITH_VECTORS = SETTINGS[1:]


def check_score(posteriors, setting, estimator, num_samples):
    test_images, made = posteriors
    posterior, exact = made[setting]
    score = slug.score(
        posterior,
        test_images,
        num_samples=num_samples,
        key=KEY,
        batch_size=2,
        estimator=estimator,
    )
    assert score.value.shape == score.standard_error.shape == (3,)
    assert num_samples - 2 <= score.num_products <= num_samples
    errors = (score.value - exact.sum(axis=(1, 2, 3))) / score.standard_error
    assert np.abs(errors).max() < 5
    assert (score.standard_error < 0.1 * score.value).all()


def check_map(posteriors, setting, estimator, num_samples):
    test_images, made = posteriors
    posterior, exact = made[setting]
    variance = slug.pixel_variance(
        posterior,
        test_images,
        num_samples=num_samples,
        key=KEY,
        batch_size=2,
        estimator=estimator,
    )
    assert variance.value.shape == variance.standard_error.shape == test_images.shape
    assert num_samples - 2 <= variance.num_products <= num_samples
    errors = (variance.value - exact) / variance.standard_error
    assert np.abs(errors).max() < 6
    assert np.sqrt((errors**2).mean()) < 1.6


def check_goal_of_score(posteriors, estimator, goal):
    test_images, made = posteriors
    posterior, exact = made[4, None]
    score = slug.score(posterior, test_images, key=KEY, estimator=estimator, relative_error=goal)
    assert (score.standard_error <= goal * score.value).all()
    errors = score.value / exact.sum(axis=(1, 2, 3)) - 1
    assert np.abs(errors).max() < 5 * goal
    capped = slug.score(
        posterior,
        test_images,
        key=KEY,
        estimator=estimator,
        relative_error=1e-9,
        num_samples=20,
    )
    assert capped.num_products <= 20


def check_goal_of_map(posteriors, estimator, goal=0.15):
    test_images, made = posteriors
    posterior, exact = made[4, None]
    variance = slug.pixel_variance(
        posterior, test_images, key=KEY, estimator=estimator, relative_error=goal
    )
    errors = np.linalg.norm((variance.value - exact).reshape(3, -1), axis=1)
    assert (errors < 3 * goal * np.linalg.norm(exact.reshape(3, -1), axis=1)).all()
    return variance


def check_fixed_budget(posteriors, estimator, *, of_map=False):
    test_images, made = posteriors
    posterior, exact = made[4, None]
    estimate = slug.pixel_variance if of_map else slug.score
    result = estimate(posterior, test_images, num_samples=40, key=KEY, estimator=estimator)
    truth = exact if of_map else exact.sum(axis=(1, 2, 3))
    assert result.num_products == 40
    np.testing.assert_allclose(result.value, truth, atol=0.1 * truth.max())
