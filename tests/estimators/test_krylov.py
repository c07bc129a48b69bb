"""An exact part in the image's own Krylov space, against the dense Jacobian."""

import numpy as np
import pytest
from estimator_checks import (
    SETTINGS,
    check_goal_of_map,
    check_goal_of_score,
    check_map,
    check_score,
)
from small_model import KEY

from slugkit import slug
from slugkit.errors import InputError
from slugkit.estimators.krylov import Krylov

pytestmark = pytest.mark.usefixtures("x64")


@pytest.mark.parametrize("setting", SETTINGS)
def test_scores_agree_with_the_dense_jacobian(posteriors, setting):
    check_score(posteriors, setting, "krylov", 30)


@pytest.mark.parametrize("setting", SETTINGS)
def test_maps_agree_with_the_dense_jacobian(posteriors, setting):
    check_map(posteriors, setting, "krylov", 60)


@pytest.mark.parametrize("goal", [0.2, 0.05])
def test_scores_stop_at_the_target(posteriors, goal):
    check_goal_of_score(posteriors, "krylov", goal)


def test_maps_stop_at_the_target(posteriors):
    check_goal_of_map(posteriors, "krylov")


def test_without_a_krylov_space_all_is_left_to_chance(posteriors):
    test_images, made = posteriors
    posterior, exact = made[4, None]
    errors = {
        fraction: np.linalg.norm(
            slug.pixel_variance(
                posterior,
                test_images,
                num_samples=50,
                key=KEY,
                estimator=Krylov(exact_fraction=fraction),
            ).value
            - exact
        )
        for fraction in (0.0, 0.6)
    }
    assert errors[0.6] < errors[0.0]


def test_a_fraction_that_is_none_is_refused():
    with pytest.raises(InputError, match="exact_fraction is 1"):
        Krylov(exact_fraction=1.0)
