"""An exact part in the image's own Krylov space.

What every estimator must do is in test_every_estimator.py.
"""

import numpy as np
import pytest
from small_model import KEY

from slugkit import slug
from slugkit.errors import InputError
from slugkit.estimators.krylov import Krylov

pytestmark = pytest.mark.usefixtures("x64")


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
