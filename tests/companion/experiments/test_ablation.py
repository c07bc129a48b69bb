"""The row of one variant, from maps whose answer is known."""

import numpy as np
import pandas as pd
import pytest

from companion.config import Statistics
from companion.experiments.ablation.measure import evaluate, name_of, prior_precisions
from companion.experiments.ablation.settings import Ablation
from companion.experiments.ablation.tables import largest_effect, variant_table
from companion.profiles import load_profile
from companion.statistics.interval import Interval

STATISTICS = Statistics(resamples=100, confidence=0.9)


@pytest.fixture
def case():
    """Six images of skin, whose variance is twice the error, and two with an object."""
    random = np.random.default_rng(0)
    errors = random.uniform(0.1, 1, (8, 4, 4)) * np.arange(1, 9)[:, None, None]
    tests = pd.DataFrame(
        {
            "set": ["light"] * 3 + ["dark"] * 3 + ["object"] * 2,
            "image_id": ["a", "b", "c", "d", "e", "f", "g+ink", "h+ink"],
            "pair": [""] * 6 + ["g", "h"],
        }
    )
    masks = np.zeros((8, 4, 4), bool)
    masks[6:, :2] = True
    return 2 * errors, errors, tests, masks


def test_a_score_in_the_errors_order_has_correlation_one(case):
    row = evaluate(*case, STATISTICS, seed=0)
    assert row["spearman"] == pytest.approx(1)
    assert row["mse"] == pytest.approx(case[1][:6].sum() / (6 * 16 * 3))


def test_the_maps_are_judged_on_the_objects_alone(case):
    variances, errors, tests, masks = case
    variances[6:] = np.where(masks[6:], 5.0, 1.0)
    errors[6:] = np.where(masks[6:], 1.0, 5.0)
    row = evaluate(variances, errors, tests, masks, STATISTICS, seed=0)
    assert row["auroc_slug"] == 1
    assert row["auroc_error"] == 0
    assert row["auroc_slug_low"] == row["auroc_slug_high"] == 1
    assert row["spearman"] == pytest.approx(1)


def test_prior_precisions_lie_around_the_spectrum():
    found = prior_precisions(np.array([8.0, 4.0, 2.0]), 0.5)
    assert found["far below"] < 2.0 * 0.01
    assert found["by evidence"] == 0.5
    assert found["far above"] > 8.0


def test_the_small_setting_is_its_its_own_setting_and_leaves_the_rest(case):
    profile = load_profile("quick")
    settings = profile.experiment(Ablation)
    small = profile.part("ablation")
    assert small.data.image_size == settings.image_size
    assert small.model == settings.model
    assert small.training == settings.training
    assert small.data.skin.source == profile.data.skin.source
    assert small.seeds == settings.seeds
    assert small.statistics == profile.statistics


def test_a_variant_differs_from_the_base_in_one_thing():
    small = load_profile("quick").part("ablation")
    changed = small.changed({"epochs": 3})
    assert changed.training == small.training.model_copy(update={"epochs": 3})
    assert changed.model == small.model
    assert changed.data == small.data
    assert name_of({"epochs": 3}) == ("epochs", "3")


def table():
    rows = [
        ("base", "base", 0, 0.5),
        ("base", "base", 1, 0.7),
        ("k", "0", 0, 0.1),
        ("k", "0", 1, 0.1),
        ("S", "10", 0, 0.7),
        ("S", "10", 1, 0.7),
    ]
    made = pd.DataFrame(rows, columns=["factor", "level", "seed", "spearman"])
    intervals = {"spearman_low": 0.0, "spearman_high": 1.0}
    for name in ("auroc_slug", "auroc_error"):
        intervals |= {name: 0.8, f"{name}_low": 0.7, f"{name}_high": 0.9}
    return made.assign(**intervals, mse=0.001, num_parameters=1000)


def test_the_largest_effect_is_the_one_furthest_from_the_base():
    name, moved = largest_effect(table(), "spearman")
    assert name == "k: 0"
    assert moved == pytest.approx(-0.5)


def test_the_table_shows_the_range_over_seeds_or_else_over_images():
    several = variant_table(table())
    assert several.loc[("base", "base"), "rank correlation with the error"] == str(
        Interval(0.6, 0.5, 0.7)
    )
    one = variant_table(table()[lambda rows: rows["seed"] == 0])
    assert one.loc[("base", "base"), "rank correlation with the error"] == str(Interval(0.5, 0, 1))
