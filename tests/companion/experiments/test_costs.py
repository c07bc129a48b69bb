import numpy as np
import pandas as pd
import pytest

from companion.experiments.estimators.analysis import error_after, products_for_map
from companion.experiments.sketch.analysis import best_sketch_error
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


def sketches(**changes):
    rows = {
        "sketch": "srft",
        "share": [0.03, 0.03, 0.1, 0.1, 1.0, 1.0],
        "steps": 8,
        "numbers_kept": [0.03, 0.03, 0.1, 0.1, 1.0, 1.0],
        "ratio": [0.5, 0.7, 1.2, 0.9, 1.0, 1.0],
    }
    return pd.DataFrame(rows | changes)


def test_the_best_sketch_that_is_small_enough_counts():
    found = best_sketch_error(sketches(), QUICK)
    assert found.value == pytest.approx(0.15)
    assert (found.low, found.high) == pytest.approx((0.1, 0.2))


def test_without_a_small_sketch_nothing_can_be_said():
    assert np.isnan(best_sketch_error(sketches(numbers_kept=1.0), QUICK).value)
