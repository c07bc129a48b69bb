"""Results on groups within each origin of the images, from made-up score tables."""

import numpy as np
import pandas as pd
import pytest

from companion.config import DATASETS
from companion.experiments.scores.analysis import within_origins
from companion.profiles import load_profile

# Of the error, by origin, training set and group; SLUG is its square.
ERRORS = {
    "first": {"A": (1.0, 4.0), "B": (1.0, 2.0), "C": (2.0, 2.0)},
    "second": {"A": (1.0, 1.0), "B": (1.0, 1.0), "C": (1.0, 2.0)},
}


def scores(origins, runs=3):
    rows = []
    for seed in range(runs):
        for origin in origins:
            for dataset in DATASETS:
                for group, error in zip(("light", "dark"), ERRORS[origin][dataset], strict=True):
                    for number in range(4):
                        exact = error * 2.0 ** (number - 2) * (1 + 0.01 * seed)
                        rows.append(
                            {
                                "image_id": f"{origin}{group}{number}",
                                "origin": origin,
                                "set": group,
                                "dataset": dataset,
                                "seed": seed,
                                "mse": exact,
                                "slug": exact**2,
                            }
                        )
    return pd.DataFrame(rows)


def test_each_origin_is_measured_by_itself():
    table = within_origins(scores(ERRORS), load_profile("quick"))
    assert list(table) == ["first, 8 images", "second, 8 images"]
    first, second = ([float(text.split()[0]) for text in table[column]] for column in table)
    log2 = np.log(2)
    assert first[:2] == pytest.approx([2 * log2, 4 * log2], abs=0.05)
    assert first[2:6] == pytest.approx([0, 0, log2, 0], abs=0.05)
    assert second[:2] == pytest.approx([-log2, -2 * log2], abs=0.05)
    assert second[2:6] == pytest.approx([log2, 2 * log2, 0, log2], abs=0.05)
    assert first[6] == second[6] == 1


def test_images_of_one_origin_need_no_table():
    assert within_origins(scores(["first"]), load_profile("quick")).empty


@pytest.mark.parametrize("unknown", [np.nan, ""])
def test_unknown_origins_need_no_table(unknown):
    assert within_origins(scores(ERRORS).assign(origin=unknown), load_profile("quick")).empty


def test_a_table_from_before_origins_were_kept_has_none():
    assert within_origins(scores(ERRORS).drop(columns="origin"), load_profile("quick")).empty
