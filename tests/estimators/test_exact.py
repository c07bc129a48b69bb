"""All outputs, one product each."""

import numpy as np
import pytest
from estimator_checks import SETTINGS
from small_model import KEY

from slugkit import slug

pytestmark = pytest.mark.usefixtures("x64")


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_exact_estimator_is_exact(posteriors, setting):
    test_images, made = posteriors
    posterior, exact = made[setting]
    both = slug.score_and_variance(posterior, test_images, key=KEY, estimator="exact")
    np.testing.assert_allclose(both.variance.value, exact, rtol=1e-8)
    np.testing.assert_allclose(both.score.value, exact.sum(axis=(1, 2, 3)), rtol=1e-8)
    assert both.score.num_products == 32
    assert (both.variance.standard_error == 0).all()
