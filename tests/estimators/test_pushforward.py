"""Random directions pushed forward.

What every estimator must do is in test_every_estimator.py.
"""

import numpy as np
import pytest
from estimator_checks import check_goal_of_map
from small_model import KEY, apply, make_images, make_params

from slugkit import slug

pytestmark = pytest.mark.usefixtures("x64")


def test_maps_stop_at_the_target_and_not_later(posteriors):
    goal = 0.15
    variance = check_goal_of_map(posteriors, "pushforward", goal)
    assert 2 / goal**2 <= variance.num_products < 2 / goal**2 + 16


def test_scores_follow_a_permutation_of_the_images():
    params, images = make_params(), make_images(7)
    posterior = slug.fit(apply, params, images, rank=3, key=KEY)
    order = np.random.default_rng(0).permutation(7)
    straight = slug.score(posterior, images, num_samples=5, key=KEY, batch_size=3)
    shuffled = slug.score(posterior, images[order], num_samples=5, key=KEY, batch_size=2)
    np.testing.assert_allclose(shuffled.value, straight.value[order], rtol=1e-5)


def test_the_error_of_a_single_sample_is_unknown():
    posterior = slug.fit(apply, make_params(), make_images(3), rank=2, key=KEY)
    made = slug.score(posterior, make_images(3), num_samples=1, key=KEY)
    assert np.isinf(made.standard_error).all()
