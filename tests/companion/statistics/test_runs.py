"""One number for each run, from score tables whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from companion.config import Statistics
from companion.experiments.scores import claims
from companion.experiments.scores.analysis import map_table
from companion.profiles import load_profile
from companion.statistics.claims import Finding, verdicts
from companion.statistics.runs import double_difference, log_ratio, per_run, within_images

PROFILE = load_profile("reduced").model_copy(
    update={"statistics": Statistics(resamples=200, confidence=0.95)}
)


def score_table(*, effect=0.2, follows=1.0, runs=10, images=60, seed=0):
    """Made-up scores: dark skin fares worse by `effect` after A, and SLUG follows the error.

    Errors vary from image to image and from run to run; the encoder knows nothing.
    """
    random = np.random.default_rng(seed)
    rows = []
    for run in range(runs):
        own = {group: random.normal(0, 0.3, images) for group in ("light", "dark")}
        for dataset, sign in (("A", 1.0), ("B", 0.0), ("C", -1.0)):
            network = random.normal(0, 0.05)
            for group in ("light", "dark"):
                side = 0.5 if group == "dark" else -0.5
                noise = random.normal(0, 0.05, images)
                error = own[group] + effect * sign * side + network + noise
                slug = follows * error + random.normal(0, 0.1, images)
                rows.append(
                    pd.DataFrame(
                        {
                            "seed": run,
                            "dataset": dataset,
                            "set": group,
                            "image_id": [f"{group}{k}" for k in range(images)],
                            "group": [f"{group}{k // 2}" for k in range(images)],
                            "mse": np.exp(error),
                            "slug": np.exp(slug),
                            "encoder_std": np.exp(random.normal(0, 0.02, images)),
                            "kl": np.exp(random.normal(0, 1, images)),
                            "edge_energy": np.exp(random.normal(0, 1, images)),
                            "nearest_in_pixels": np.exp(random.normal(0, 1, images)),
                        }
                    )
                )
    return pd.concat(rows, ignore_index=True)


def verdict(claim, checks):
    return verdicts({claim: checks}, PROFILE)[claim].verdict


def test_ratios_and_double_differences_are_those_of_the_means():
    table = score_table(runs=1)
    means = table.groupby(["dataset", "set"])["mse"].mean()
    ratio = log_ratio(table, "mse", ("A", "dark"), ("A", "light"))
    assert ratio == pytest.approx(np.log(means["A", "dark"] / means["A", "light"]))
    other = np.log(means["C", "dark"] / means["C", "light"])
    assert double_difference(table, "mse") == pytest.approx(ratio - other)


def test_each_image_is_its_own_control():
    table = score_table(follows=0.0, runs=1)
    # A part of the image that both know makes them correlate, but not within images.
    numbers = pd.factorize(table["image_id"])[0]
    table["slug"] *= np.exp(0.1 * numbers)
    table["mse"] *= np.exp(0.1 * numbers)
    assert np.corrcoef(np.log(table["slug"]), np.log(table["mse"]))[0, 1] > 0.9
    assert abs(within_images(table, "slug", "mse")) < 0.2


def test_there_is_one_number_for_each_run_in_the_order_of_the_seeds():
    table = score_table(runs=3)
    assert per_run(table, lambda rows: rows["seed"].iloc[0]).tolist() == [0, 1, 2]


def test_an_effect_is_found_and_its_reverse_is_not_reproduced():
    strong, reverse = score_table(effect=0.3), score_table(effect=-0.3)
    assert verdict("C1", claims.representation(strong, PROFILE)) is Finding.REPRODUCED
    assert verdict("C1", claims.representation(reverse, PROFILE)) is Finding.NOT_REPRODUCED


@pytest.mark.slow
def test_no_effect_is_inconclusive_about_as_often_as_the_level_says():
    found = [
        verdict("C1", claims.representation(score_table(effect=0.0, seed=k, images=20), PROFILE))
        for k in range(40)
    ]
    assert np.mean([one is Finding.INCONCLUSIVE for one in found]) > 0.85


def test_a_score_that_follows_the_error_does_and_one_that_does_not_does_not():
    good, bad = score_table(follows=1.0), score_table(follows=0.0)
    assert verdict("C3", claims.follows_the_error(good, PROFILE)) is Finding.REPRODUCED
    assert verdict("C3", claims.follows_the_error(bad, PROFILE)) is Finding.NOT_REPRODUCED
    assert verdict("C7", claims.strong_correlation(good, PROFILE)) is Finding.REPRODUCED
    assert verdict("C7", claims.strong_correlation(bad, PROFILE)) is Finding.NOT_REPRODUCED
    assert verdict("C8", claims.rejection(good, PROFILE)) is not Finding.NOT_REPRODUCED


def test_does_not_follow_needs_an_equivalence():
    table = score_table()
    assert verdict("C2", claims.encoder(table, PROFILE)) is Finding.REPRODUCED
    knows = table.assign(encoder_std=table["mse"])
    assert verdict("C2", claims.encoder(knows, PROFILE)) is Finding.NOT_REPRODUCED
    one_run = table[table["seed"] == 0]
    assert verdict("C2", claims.encoder(one_run, PROFILE)) is Finding.INCONCLUSIVE


def test_both_groups_are_needed_where_the_paper_says_all():
    table = score_table(effect=0.0)
    worse = table["dataset"] == "C"
    both = table.assign(mse=table["mse"] * np.where(worse, 1.3, 1.0))
    dark = table["set"] == "dark"
    one = table.assign(mse=table["mse"] * np.where(worse, np.where(dark, 1.3, 0.7), 1.0))
    assert verdict("C5", claims.worse_than_mixed(both, PROFILE)) is Finding.REPRODUCED
    assert verdict("C5", claims.worse_than_mixed(one, PROFILE)) is Finding.NOT_REPRODUCED


@pytest.mark.parametrize(
    ("slope", "finding"), [(0.2, Finding.REPRODUCED), (-0.2, Finding.NOT_REPRODUCED)]
)
def test_the_trend_over_skin_types_is_found_in_either_direction(slope, finding):
    table = score_table(effect=0.0)
    types = np.tile([1, 2, 3, 4], len(table) // 4)
    factor = np.exp(slope * types)
    table = table.assign(
        set="external",
        fitzpatrick=pd.array(types, dtype="Int64"),
        mse=table["mse"] * factor,
        slug=table["slug"] * factor,
    )
    assert verdict("C6", claims.external_trend(table, PROFILE)) is finding
    assert len(claims.adjusted_trend(table, PROFILE)) == 6


def maps_table(slug, error, edges, ratio, runs=5):
    random = np.random.default_rng(0)
    rows = []
    for run in range(runs):
        for where, kind in (("object", "ruler"), ("object", "ink"), ("tagged", "patch")):
            for k in range(12):
                for name, mean in (
                    ("slug", slug),
                    ("squared_error", error),
                    ("edge_energy", edges),
                ):
                    rows.append(
                        {
                            "seed": run,
                            "image_id": f"{kind}{k}",
                            "group": f"g{k}",
                            "set": where,
                            "object": kind,
                            "map": name,
                            "auroc": mean + random.normal(0, 0.02),
                            "ratio": ratio + random.normal(0, 0.05),
                        }
                    )
    return pd.DataFrame(rows)


def test_no_interval_of_two_runs_that_differ_leaves_the_range_of_its_number():
    first, second = maps_table(0.9, 0.6, 0.1, 1.2, runs=1), maps_table(0.5, 0.6, 0.9, 1.2, runs=1)
    maps = pd.concat([first, second.assign(seed=1)])
    one, other = score_table(follows=1.0), score_table(follows=0.0)
    scores = pd.concat([one[one["seed"] == 0], other[other["seed"] == 1]])
    for check in claims.maps_find_objects(maps, PROFILE):
        lowest = -1 if "less" in check.metric else 0
        assert (check.interval.low, check.interval.high) == (lowest, 1)
    for check in claims.strong_correlation(scores, PROFILE):
        assert (check.interval.low, check.interval.high) == (-1, 1)
    maps["average_precision"], maps["covered"] = maps["auroc"], 0.1
    assert "(0.0\xa0to\xa01.0)" in map_table(maps, PROFILE).loc["ruler, drawn", "AUROC, SLUG"]


def test_maps_that_find_objects_and_maps_that_do_not():
    good, bad = maps_table(0.9, 0.6, 0.7, 1.2), maps_table(0.6, 0.9, 0.7, 1.2)
    assert verdict("C9", claims.maps_find_objects(good, PROFILE)) is Finding.REPRODUCED
    assert verdict("C9", claims.maps_find_objects(bad, PROFILE)) is Finding.NOT_REPRODUCED
    for table, finding in (
        (good, Finding.REPRODUCED),
        (bad, Finding.NOT_REPRODUCED),
        (maps_table(0.9, 0.6, 0.7, 3.0), Finding.PREMISE_FAILS),
    ):
        checks, premises = claims.error_misses_objects(table, PROFILE)
        assert verdicts({"C10": checks}, PROFILE, premises)["C10"].verdict is finding
