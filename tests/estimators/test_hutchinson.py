"""The paper's score, against the dense Jacobian."""

import numpy as np
import pytest
from estimator_checks import SETTINGS, check_goal_of_score, check_score
from small_model import KEY

from slugkit import slug
from slugkit.errors import InputError
from slugkit.estimators.hutchinson import Hutchinson

pytestmark = pytest.mark.usefixtures("x64")


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("estimator", ["hutchinson", Hutchinson("rademacher")])
def test_scores_agree_with_the_dense_jacobian(posteriors, setting, estimator):
    check_score(posteriors, setting, estimator, 400)


@pytest.mark.parametrize("goal", [0.2, 0.05])
def test_scores_stop_at_the_target(posteriors, goal):
    check_goal_of_score(posteriors, "hutchinson", goal)


def test_the_default_draws_gaussian_probes(posteriors):
    test_images, made = posteriors
    posterior, _ = made[4, None]
    by_name, by_object = (
        slug.score(posterior, test_images, num_samples=20, key=KEY, estimator=one).value
        for one in ("hutchinson", Hutchinson("gaussian"))
    )
    np.testing.assert_array_equal(by_name, by_object)


def test_it_gives_no_map(posteriors):
    test_images, made = posteriors
    with pytest.raises(InputError, match="estimator is 'hutchinson'; for the pixel variance"):
        slug.pixel_variance(
            made[4, None][0], test_images, num_samples=4, key=KEY, estimator=Hutchinson()
        )
