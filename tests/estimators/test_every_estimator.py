"""What every estimator that takes any budget must do on the small model, against its Jacobian."""

import numpy as np
import pytest
from estimator_checks import SETTINGS, check_goal_of_map
from small_model import KEY

from slugkit import slug
from slugkit.estimators.bekas import Bekas
from slugkit.estimators.hutchinson import Hutchinson

pytestmark = pytest.mark.usefixtures("x64")

# Each with a budget.
SCORES = {
    "pushforward": 400,
    "deflated": 400,
    "krylov": 30,
    "hutchinson": 400,
    Hutchinson("rademacher"): 400,
}
MAPS = {"pushforward": 400, "deflated": 400, "krylov": 60, "bekas": 800, Bekas("rademacher"): 800}


def with_settings(budgets):
    """Return each estimator with each fit; one of rank 0 has no Lanczos vectors to deflate."""
    return [
        (estimator, setting, num_samples)
        for estimator, num_samples in budgets.items()
        for setting in SETTINGS
        if setting[0] > 0 or estimator != "deflated"
    ]


@pytest.mark.parametrize(("estimator", "setting", "num_samples"), with_settings(SCORES))
def test_scores_agree_with_the_dense_jacobian(posteriors, estimator, setting, num_samples):
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


@pytest.mark.parametrize(("estimator", "setting", "num_samples"), with_settings(MAPS))
def test_maps_agree_with_the_dense_jacobian(posteriors, estimator, setting, num_samples):
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


@pytest.mark.parametrize("goal", [0.2, 0.05])
@pytest.mark.parametrize("estimator", ["pushforward", "deflated", "krylov", "hutchinson"])
def test_scores_stop_at_the_target(posteriors, estimator, goal):
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


@pytest.mark.parametrize("estimator", ["deflated", "krylov", "bekas"])
def test_maps_stop_at_the_target(posteriors, estimator):
    check_goal_of_map(posteriors, estimator)
