"""The paper's pixel map, against the dense Jacobian."""

import pytest
from estimator_checks import SETTINGS, check_goal_of_map, check_map
from small_model import KEY

from slugkit import slug
from slugkit.errors import InputError
from slugkit.estimators.bekas import Bekas

pytestmark = pytest.mark.usefixtures("x64")


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("estimator", ["bekas", Bekas("rademacher")])
def test_maps_agree_with_the_dense_jacobian(posteriors, setting, estimator):
    check_map(posteriors, setting, estimator, 800)


def test_maps_stop_at_the_target(posteriors):
    check_goal_of_map(posteriors, "bekas")


def test_one_product_is_too_few(posteriors):
    test_images, made = posteriors
    with pytest.raises(
        InputError, match="num_samples is 1; the estimator 'bekas' needs at least 2"
    ):
        slug.pixel_variance(
            made[4, None][0], test_images, num_samples=1, key=KEY, estimator="bekas"
        )
