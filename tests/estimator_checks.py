"""What several estimators must do on the small model, against its dense Jacobian."""

import numpy as np
from small_model import KEY

from slugkit import slug

# (rank, prior precision); a fit of rank 0 has no Lanczos vectors.
SETTINGS = [(0, None), (4, None), (4, 0.5)]


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
