"""Estimators that need to know the number of their products beforehand."""

import pytest
from small_model import KEY

from slugkit import slug
from slugkit.errors import InputError
from slugkit.estimators.fixed_budget import FixedBudget
from slugkit.estimators.interface import estimators

FIXED = {name: one for name, one in estimators().items() if issubclass(one, FixedBudget)}


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("name", FIXED)
def test_a_target_instead_of_a_budget_is_refused(posteriors, name):
    test_images, made = posteriors
    estimate = slug.score if FIXED[name].gives_score else slug.pixel_variance
    with pytest.raises(InputError, match="needs num_samples"):
        estimate(made[4, None][0], test_images, relative_error=0.1, key=KEY, estimator=name)


def test_these_are_all():
    assert set(FIXED) == {"hutchpp", "xtrace", "xnystrace", "xnysdiag"}
