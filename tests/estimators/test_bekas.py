"""The paper's pixel map; what every estimator must do is in test_every_estimator.py."""

import pytest
from small_model import KEY

from slugkit import slug
from slugkit.errors import InputError

pytestmark = pytest.mark.usefixtures("x64")


def test_one_product_is_too_few(posteriors):
    test_images, made = posteriors
    with pytest.raises(
        InputError, match="num_samples is 1; the estimator 'bekas' needs at least 2"
    ):
        slug.pixel_variance(
            made[4, None][0], test_images, num_samples=1, key=KEY, estimator="bekas"
        )
