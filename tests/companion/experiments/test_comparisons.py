from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from companion.experiments.baselines import analysis as comparisons
from companion.experiments.baselines import figures as comparison_plots
from companion.experiments.baselines import report as comparison_report
from companion.experiments.baselines.analysis import BASELINES, ORACLE
from companion.experiments.baselines.records import compact, expand
from companion.experiments.baselines.settings import Comparisons
from companion.profiles import load_profile
from companion.statistics.interval import Interval
from companion.statistics.metrics import ause, partial_spearman, spearman
from slugkit.errors import InputError

PROFILE = load_profile("quick")
SKIN, OBJECTS = 40, 6


@pytest.fixture(scope="module")
def table():
    """Two seeds. The error is known, edge energy follows it, SLUG follows edge energy, the rest is
    chance; the scores of the second seed have another scale. The maps of two baselines are
    perfect and useless, those of SLU are missing."""
    parts = []
    for seed, scale in ((0, 1.0), (1, 1000.0)):
        random = np.random.default_rng(seed)
        error = random.exponential(size=SKIN)
        edges = error * np.exp(random.normal(0, 0.3, SKIN))
        slug = scale * edges * np.exp(random.normal(0, 0.6, SKIN))
        for name in BASELINES:
            # Of its own, so that a new baseline changes no other.
            random = np.random.default_rng([seed, *name.encode()])
            known = {ORACLE: error, "edge_energy": edges, "slug": slug}
            score = known.get(name, random.random(SKIN))
            skin = pd.DataFrame({"score": score, "set": np.repeat(["light", "dark"], SKIN // 2)})
            pasted = pd.DataFrame({"score": random.random(OBJECTS), "set": "object"})
            auroc = {"local_contrast": 1.0, "slug": 0.5}.get(name, random.uniform(0.5, 0.9))
            pasted["auroc"] = np.nan if name == "sketched_lanczos" else auroc
            pasted["average_precision"] = pasted["auroc"] / 2
            rows = pd.concat([skin, pasted], ignore_index=True)
            names = [f"image{k}" for k in range(len(rows))]
            parts.append(rows.assign(image_id=names, baseline=name, seed=seed))
    made = pd.concat(parts, ignore_index=True)
    return made.assign(source="synthetic", object="none", standard_error=np.nan)


@pytest.fixture(scope="module")
def found(table):
    return comparisons.measure(table, PROFILE)


def per_seed(table, statistic):
    scores = comparisons.skin_scores(table)
    return np.mean([statistic(one) for _, one in scores.groupby("seed")])


@pytest.mark.parametrize("name", ["slug", "edge_energy", "divergence"])
def test_quantities_are_those_of_the_metrics_within_each_seed(table, found, name):
    def value(quantity):
        return comparisons.at(found.prediction, name, quantity).value

    assert value("spearman") == pytest.approx(
        per_seed(table, lambda one: spearman(one[name], one[ORACLE]))
    )
    assert value("pearson") == pytest.approx(
        per_seed(table, lambda one: np.corrcoef(one[name], one[ORACLE])[0, 1])
    )
    assert value("ause") == pytest.approx(per_seed(table, lambda one: ause(one[ORACLE], one[name])))
    dark = table[table["set"] == "dark"]
    assert value("dark") == pytest.approx(
        per_seed(dark, lambda one: spearman(one[name], one[ORACLE]))
    )
    slug = comparisons.at(found.prediction, "slug", "spearman").value
    assert value("above slug") == pytest.approx(value("spearman") - slug)


def test_a_run_from_before_a_baseline_came_is_measured_without_it(table, found):
    earlier = comparisons.measure(table[table["baseline"] != "norm_of_mean"], PROFILE)
    assert earlier.num_rivals == found.num_rivals - 1
    assert "norm_of_mean" not in set(earlier.prediction["baseline"])
    kept = found.prediction[found.prediction["baseline"] != "norm_of_mean"]
    pd.testing.assert_frame_equal(
        earlier.prediction.reset_index(drop=True), kept.reset_index(drop=True)
    )
    assert f"Of {earlier.num_rivals} others" in comparison_report.reading(earlier)


@pytest.mark.parametrize("name", ["edge_energy", "divergence"])
def test_partial_correlations_are_those_of_the_metrics(table, found, name):
    given, reverse = (comparisons.at(found.partial, name, q) for q in comparisons.GIVEN)
    assert given.value == pytest.approx(
        per_seed(table, lambda one: partial_spearman(one["slug"], one[ORACLE], one[name]))
    )
    assert reverse.value == pytest.approx(
        per_seed(table, lambda one: partial_spearman(one[name], one[ORACLE], one["slug"]))
    )


def test_what_only_repeats_another_adds_nothing(found):
    given, reverse = (comparisons.at(found.partial, "edge_energy", q) for q in comparisons.GIVEN)
    assert given.low < 0 < given.high
    assert reverse.low > 0
    assert found.best_trivial == "edge_energy"
    assert "no gain beyond chance" in comparison_report.reading(found)


def test_images_of_one_patient_count_once(table):
    """Every image twice, with the same numbers: as two images, or as two of one patient."""
    twin = table.assign(image_id=table["image_id"] + "+")
    both = pd.concat([table, twin], ignore_index=True)
    patient_of = {name: name.rstrip("+") for name in both["image_id"]}

    def width(found):
        interval = comparisons.at(found, "edge_energy", "spearman")
        return interval.high - interval.low

    once = width(comparisons.error_prediction(table, PROFILE))
    assert width(comparisons.error_prediction(both, PROFILE, patient_of)) == pytest.approx(
        once, rel=0.2
    )
    assert width(comparisons.error_prediction(both, PROFILE)) < 0.85 * once


def test_a_score_is_set_beside_the_error_of_its_own_prediction(table):
    """That of the ensemble follows its own error, and the network's not at all."""
    random = np.random.default_rng(1)
    rows = table["baseline"] == "deep_ensemble"
    own = np.where(rows, table["score"] * np.exp(random.normal(0, 0.1, len(table))), np.nan)
    found = comparisons.own_prediction(table.assign(own_error=own), PROFILE)
    assert list(found.index) == ["deep_ensemble"]
    row = found.loc["deep_ensemble"]
    assert row["with its own error"].low > 0.8
    assert row["with the network's error"].low < 0 < row["with the network's error"].high
    shown = comparison_report.own_table(found)
    assert "to" in shown.loc["deep ensemble", "with its own error"]
    assert comparisons.own_prediction(table, PROFILE).empty  # recorded without


def test_among_many_scores_that_are_chance_none_is_named_better(table):
    """As many as there are, one in twenty of the plain intervals would be beside zero."""
    intervals = [Interval(0.1, 0.005, 0.195), *[Interval(0.0, -0.1, 0.1)] * 14]
    names = [name for name in comparisons.SCORES if name != "slug"]
    rows = pd.DataFrame(
        [
            {"baseline": name, "quantity": "above slug", **vars(one)}
            for name, one in zip(names, intervals, strict=False)
        ]
    )
    found = comparisons.Findings(rows, rows, rows, rows, 0.95)
    assert found.against_slug() == ([], [])
    one = replace(found, prediction=rows.head(1))
    assert one.against_slug() == ([names[0]], [])


def test_better_and_worse_are_told_by_intervals_of_the_difference(found):
    better, worse = found.against_slug()
    assert better == ["edge_energy"]
    assert "divergence" in worse
    numbers = found.numbers("recorded_")
    assert numbers["recorded_num_better"] == 1
    assert numbers["recorded_best_trivial"] == "edge energy"
    assert all(isinstance(value, (str, int, float)) for value in numbers.values())


def test_maps_are_compared_over_images(found):
    interval = comparisons.at(found.detection, "local_contrast", "auroc")
    assert (interval.value, interval.low, interval.high) == (1, 1, 1)
    assert found.best_map() == ("local_contrast", 1.0)
    assert "sketched_lanczos" not in set(found.detection["baseline"])
    shown = comparison_report.show(found.prediction, found.detection)
    assert shown.loc["SLUG as published", "auroc"] == "no map"


def test_the_recorded_form_is_small_and_comes_back(table):
    kept = compact(table)
    assert len(kept) == 2 * (SKIN + OBJECTS)
    back = expand(kept)
    columns = ["seed", "image_id", "baseline", "score", "auroc", "average_precision"]
    both = [one[columns].sort_values(columns[:3]).reset_index(drop=True) for one in (table, back)]
    pd.testing.assert_frame_equal(*both)


def test_the_dots_are_sorted_and_each_seed_is_marked(found):
    _, axis = plt.subplots()
    comparison_plots.dots(axis, found.prediction, found.seeds, "spearman", 0.0)
    labels = [label.get_text() for label in axis.get_yticklabels()]
    assert labels[-1] == "edge energy"
    assert len(labels) == len(BASELINES) - 1
    ticks = [line for line in axis.lines if line.get_marker() == "|" and len(line.get_xdata()) == 2]
    assert len(ticks) >= len(labels)
    plt.close()


def test_rejection_by_the_error_itself_is_lowest(table):
    _, axis = plt.subplots()
    comparison_plots.rejection(axis, table, ["slug", "edge_energy"])
    curves = {line.get_label(): np.asarray(line.get_ydata(), float) for line in axis.lines}
    for label in ("SLUG, exact basis", "edge energy"):
        assert (curves["oracle"] <= curves[label] + 1e-9).all()
    plt.close()


def test_every_kind_is_in_the_legend():
    assert {comparison_plots.kind(name) for name in BASELINES} == set(comparison_plots.KINDS)


def test_the_budget_is_that_of_the_profile():
    settings = PROFILE.experiment(Comparisons)
    text = comparison_report.budget(PROFILE)
    assert f"has {settings.baselines['deep_ensemble']['members']} members" in text
    assert f"draw {settings.num_samples} times per image" in text


def test_a_profile_without_settings_for_it_is_told_where_to_copy_them():
    bare = PROFILE.model_copy(update={"experiments": {}})
    with pytest.raises(InputError, match=r"has no experiments\.comparisons: copy them from"):
        bare.experiment(Comparisons)
