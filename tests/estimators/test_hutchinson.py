"""The paper's score; what every estimator must do is in test_every_estimator.py."""

import numpy as np
import pytest
from small_model import KEY

from slugkit import slug
from slugkit.errors import InputError
from slugkit.estimators.hutchinson import Hutchinson

pytestmark = pytest.mark.usefixtures("x64")


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
