"""What SLUG tells, from tables in which the truth is known."""

import re

import numpy as np
import pandas as pd
import pytest

from companion import notebook
from companion.config import Statistics
from companion.experiments.meaning import analysis, recorded
from companion.experiments.meaning.calibration import calibrate
from companion.experiments.meaning.explained import explained
from companion.experiments.scores.claims import strong_correlation
from companion.profiles import load_profile

PROFILE = load_profile("reduced").model_copy(
    update={"statistics": Statistics(resamples=100, confidence=0.95)}
)


def wide_table(own=1.0, runs=4, images=200, seed=0):
    """One row per image: SLUG knows the edges and, with the weight `own`, something of its own."""
    random = np.random.default_rng(seed)
    rows = []
    for run in range(runs):
        edges, hidden = random.normal(size=(2, images))
        error = edges + hidden
        rows.append(
            pd.DataFrame(
                {
                    "seed": run,
                    "image_id": [f"i{k}" for k in range(images)],
                    "group": [f"g{k // 2}" for k in range(images)],
                    "set": np.where(np.arange(images) % 2, "dark", "light"),
                    "squared_error": np.exp(error),
                    "slug": np.exp(edges + own * hidden + random.normal(0, 0.3, images)),
                    "edge_energy": np.exp(edges),
                    "divergence": np.exp(random.normal(size=images)),
                    "norm_of_mean": np.exp(random.normal(size=images)),
                    "nearest_in_pixels": np.exp(random.normal(size=images)),
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


def test_a_score_that_knows_more_than_the_edges_keeps_something_and_one_that_does_not_does_not():
    more = analysis.added(wide_table(1.0), PROFILE, ["slug"]).loc["slug"]
    assert more["alone"].value > 0.9
    assert more["given all four"].low > 0.5
    less = analysis.added(wide_table(0.0), PROFILE, ["slug"]).loc["slug"]
    assert less["alone"].low > 0.4
    assert abs(less["given all four"].value) < 0.15
    # What is itself among the four is asked given the other three.
    edges = analysis.added(wide_table(), PROFILE, ["edge_energy"]).loc["edge_energy"]
    assert "given edge energy" not in edges


def test_only_what_other_scores_do_not_know_explains_more_of_the_error():
    """Half of the variance is the edges', half is hidden; SLUG sees it with a little noise."""
    knows = explained(wide_table(1.0), PROFILE, "slug")
    assert knows["without"].low < 0.5 < knows["without"].high
    assert knows["added"].low > 0.35
    assert knows["with"].value == pytest.approx(knows["without"].value + knows["added"].value)
    repeats = explained(wide_table(0.0), PROFILE, "slug")
    assert abs(repeats["added"].value) < 0.02


def test_a_square_of_what_costs_nothing_is_not_put_down_to_slug():
    table = wide_table(0.0)
    edges = np.log(table["edge_energy"])
    table["squared_error"] = np.exp(edges**2)
    table["slug"] = table["squared_error"]
    found = explained(table, PROFILE, "slug")
    assert found["without"].low > 0.95
    assert found["added"].value < 0.02


def scores_table(gap, explained, images=300):
    """Dark skin has an error larger by `gap`, of which SLUG knows a part."""
    random = np.random.default_rng(1)
    dark = np.arange(images) % 2
    base = random.normal(size=images)
    return pd.DataFrame(
        {
            "seed": 0,
            "dataset": "B",
            "set": np.where(dark, "dark", "light"),
            "image_id": [f"i{k}" for k in range(images)],
            "group": [f"g{k}" for k in range(images)],
            "mse": np.exp(base + gap * dark),
            "slug": np.exp(base + explained * gap * dark + random.normal(0, 0.05, images)),
        }
    )


@pytest.mark.parametrize("explained", [0.0, 1.0])
def test_the_gap_is_gone_given_slug_only_if_slug_knows_it(explained):
    found = analysis.sufficiency(scores_table(0.8, explained), PROFILE)
    assert found["gap"].value == pytest.approx(0.8, abs=0.3)
    given = found["gap given SLUG"]
    assert given.value == pytest.approx(0.8 * (1 - explained), abs=0.1)


def test_rates_of_flags_are_those_of_the_groups():
    table = analysis.flags(scores_table(0.8, 1.0), PROFILE)
    flagged = table["flagged by SLUG"].map(lambda interval: interval.value)
    assert flagged["dark"] > flagged["light"]
    assert flagged.mean() == pytest.approx(0.1, abs=0.02)


def controlled(rows, name, risk):
    return analysis.control_risk(
        rows[name].to_numpy(),
        rows["squared_error"].to_numpy(),
        (rows["set"] == "dark").to_numpy(),
        pd.factorize(rows["group"])[0],
        seed=int(rows["seed"].iloc[0]),
        risk=risk,
    )


def test_the_risk_that_is_guaranteed_is_met_on_average():
    wide = wide_table(0.3, runs=60, images=400)
    by_run = [one for _, one in wide.groupby("seed")]
    made = [controlled(one, "slug", 0.05) for one in by_run]
    risks = np.array([one["risk met"] for one in made])
    assert risks.mean() <= 0.05 + 2 * risks.std() / np.sqrt(len(risks))
    kept = np.mean([one["kept"] for one in made])
    oracle = np.mean(
        [controlled(one, "squared_error", 0.05)["kept"] for _, one in wide.groupby("seed")]
    )
    assert 0.1 < kept < oracle
    assert oracle > 0.7


def test_nothing_is_kept_where_no_threshold_is_safe():
    found = controlled(wide_table(images=20, runs=1), "divergence", 0.01)
    assert found["kept"] == 0
    assert found["risk met"] == 0


def test_what_is_kept_at_a_risk_has_an_interval_over_runs_and_patients():
    table = analysis.kept_at_risk(wide_table(1.0, runs=3), PROFILE, ["slug", "divergence"])
    kept = table["kept"].str.split(" ").str[0].astype(float)
    assert kept["SLUG, exact basis", "5%"] > kept["KL divergence", "5%"]
    assert table["kept"].str.contains("to").all()
    ends = [float(number) for cell in table["kept"] for number in re.findall(r"-?[\d.]+", cell)]
    assert min(ends) >= 0
    assert max(ends) <= 1


def pixels(power, images=6, seed=0):
    """Variances of pixels, and residuals that follow a power of them."""
    random = np.random.default_rng(seed)
    variances = np.exp(random.normal(size=(images, 16, 16)))
    return 3 * variances**power * random.chisquare(1, variances.shape), variances


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_residuals_that_follow_a_power_of_the_variance_have_it_as_slope(power):
    found = calibrate(*pixels(power))
    assert found["slope"].mean() == pytest.approx(power, abs=0.12)
    assert (found["rank"].mean() > 0.1) == (power > 0)
    if power == 1:
        assert found["log_ratio"].mean() == pytest.approx(np.log(3), abs=0.1)


def test_calibration_has_an_interval_over_runs_and_patients():
    parts = [
        calibrate(*pixels(1.0, seed=seed)).assign(
            seed=seed, group=[f"g{k}" for k in range(6)], set=["light", "dark"] * 3
        )
        for seed in range(3)
    ]
    found = analysis.calibration(pd.concat(parts, ignore_index=True), PROFILE)
    slope = found.loc["slope of log residual in log variance", "found"]
    low, high = map(float, re.findall(r"\(([\d.]+)\xa0to\xa0([\d.]+)\)", slope)[0])
    assert low < 1.05
    assert high > 0.95


def test_the_changes_of_a_score_are_told_with_and_without_those_of_whole_networks():
    random = np.random.default_rng(2)
    parts = []
    for seed in range(3):
        for dataset, shift in (("A", 0.0), ("B", 1.0), ("C", 2.0)):
            count = 40
            parts.append(
                pd.DataFrame(
                    {
                        "seed": seed,
                        "dataset": dataset,
                        "set": "light",
                        "image_id": [f"i{k}" for k in range(count)],
                        # Only the whole network differs: nothing is left once that is taken out.
                        "mse": np.exp(shift + random.normal(0, 0.1, count)),
                        "slug": np.exp(shift + random.normal(0, 0.1, count)),
                        "kl": np.exp(random.normal(0, 0.1, count)),
                        "encoder_std": np.exp(random.normal(0, 0.1, count)),
                    }
                )
            )
    table = analysis.epistemic(pd.concat(parts, ignore_index=True), PROFILE)
    values = table.map(lambda interval: interval.value)
    assert values.loc["SLUG", "within images"] > 0.9
    assert abs(values.loc["SLUG", "within images and training sets"]) < 0.3
    assert abs(values.loc["KL divergence", "within images"]) < 0.3


def test_runs_of_several_sizes_stand_beside_each_other():
    runs = [notebook.find_recorded("scores"), notebook.find_recorded_networks()]
    table = recorded.by_size((run.profile, recorded.of_slug(run)) for run in runs)
    assert list(table) == ["reduced", "large"]
    assert list(table.loc["pixels a side"]) == ["64", "128"]
    for run in runs:
        column, scores = table[run.profile.name], run.table("scores")
        alone, _ = strong_correlation(scores, run.profile)
        assert column["SLUG with the error"] == str(alone.interval)
        assert column["runs"] == str(scores["seed"].nunique())
