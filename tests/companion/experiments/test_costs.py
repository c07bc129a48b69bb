import numpy as np
import pandas as pd
import pytest

from companion.experiments.estimators.analysis import error_after, products_for_map
from companion.profiles import load_profile

QUICK = load_profile("quick")


def test_the_error_is_the_root_mean_square_over_images_and_repeats():
    errors = pd.DataFrame(
        {
            "quantity": ["score", "score", "score", "map"],
            "estimator": ["hutchinson", "hutchinson", "krylov", "hutchinson"],
            "budget": 50,
            "error": [0.3, 0.4, 9.0, 9.0],
        }
    )
    found = error_after(errors, QUICK, "score", "hutchinson", 50)
    assert found.value == pytest.approx(np.sqrt((0.3**2 + 0.4**2) / 2))
    assert found.low == pytest.approx(0.3)
    assert found.high == pytest.approx(0.4)


def test_half_the_error_takes_four_times_the_products():
    error = error_after(
        pd.DataFrame(
            {"quantity": ["map"], "estimator": ["bekas"], "budget": [500], "error": [0.2]}
        ),
        QUICK,
        "map",
        "bekas",
        500,
    )
    assert products_for_map(error, 500).value == pytest.approx(2000)
