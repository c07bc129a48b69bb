import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from companion.statistics.inference import (
    holm,
    over_runs,
    over_runs_and_clusters,
    p_value,
    runs_needed,
)
from companion.statistics.interval import Interval
from slugkit.errors import InputError

values = st.lists(st.floats(-100, 100), min_size=2, max_size=12)


@given(values)
def test_the_interval_of_runs_is_students(numbers):
    found = over_runs(numbers, 0.95)
    assert found.value == pytest.approx(np.mean(numbers))
    if np.std(numbers) > 1e-9:
        expected = stats.ttest_1samp(numbers, 0).confidence_interval(0.95)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_one_run_has_no_interval_and_a_missing_one_is_left_out():
    one = over_runs([0.7], 0.95)
    assert one.value == 0.7
    assert math.isnan(one.low)
    assert math.isnan(one.high)
    assert over_runs([0.1, np.nan, 0.3], 0.95) == over_runs([0.1, 0.3], 0.95)
    assert math.isnan(over_runs([], 0.95).value)


def test_so_many_runs_decide_four_times_in_five():
    random = np.random.default_rng(0)
    pilot = random.normal(0.6, 1.0, 400)
    count = int(runs_needed(pilot, 0.0, 0.95))
    decided = [
        over_runs(random.normal(pilot.mean(), pilot.std(), count), 0.95).low > 0
        for _ in range(2000)
    ]
    assert 0.72 < np.mean(decided) < 0.88


def test_no_number_of_runs_decides_what_lies_on_the_line():
    assert runs_needed([-1.0, 1.0], 0.0, 0.95) == math.inf
    assert math.isnan(runs_needed([1.0], 0.0, 0.95))


def runs_with(effect, rng, runs=10, patients=30, same=False):
    """Two images of each patient, whose errors share a part, in runs that differ in theirs.

    In all runs the patients are the same ones, or in each others.
    """
    rows = []
    always = rng.normal(0, 1, patients)
    for run in range(runs):
        shift = rng.normal(0, 0.2)
        for patient in range(patients):
            own = always[patient] if same else rng.normal(0, 1)
            name = patient if same else 1000 * run + patient
            for _ in range(2):
                rows.append((run, name, effect + shift + own + rng.normal(0, 0.3)))
    table = np.array(rows)
    return table[:, 2], table[:, 0].astype(int), table[:, 1].astype(str)


@pytest.mark.parametrize("same", [False, True])
@pytest.mark.parametrize("runs", [3, 10])
def test_the_bootstrap_covers_the_truth_at_least_as_often_as_it_says(runs, same):
    rng, covered = np.random.default_rng(1), []
    for _ in range(120):
        numbers, of_run, clusters = runs_with(1.0, rng, runs=runs, same=same)
        found = over_runs_and_clusters(
            np.mean, numbers, runs=of_run, clusters=clusters, resamples=100, confidence=0.9, seed=0
        )
        covered.append(found.low <= 1.0 <= found.high)
    assert np.mean(covered) > 0.85


def test_the_same_patients_in_every_run_are_no_new_evidence():
    widths = []
    for same in (False, True):
        numbers, runs, clusters = runs_with(0.0, np.random.default_rng(3), same=same)
        found = over_runs_and_clusters(
            np.mean, numbers, runs=runs, clusters=clusters, resamples=400, confidence=0.9, seed=0
        )
        widths.append(found.high - found.low)
    assert widths[1] > 1.5 * widths[0]


def test_images_of_one_patient_count_once():
    numbers, runs, clusters = runs_with(0.0, np.random.default_rng(2), runs=1, patients=40)
    kept = {"runs": runs, "resamples": 400, "confidence": 0.9, "seed": 0}
    together = over_runs_and_clusters(np.mean, numbers, clusters=clusters, **kept)
    single = over_runs_and_clusters(np.mean, numbers, clusters=np.arange(80).astype(str), **kept)
    assert together.high - together.low > 1.2 * (single.high - single.low)


def test_arrays_of_different_lengths_are_refused():
    with pytest.raises(InputError, match=r"arrays of one length above 0, not \[2, 3\]"):
        over_runs_and_clusters(
            np.mean,
            np.zeros(3),
            runs=np.zeros(3),
            clusters=np.zeros(2),
            resamples=10,
            confidence=0.9,
            seed=0,
        )


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_adjusted_p_values_keep_their_order_and_lie_between_the_plain_and_bonferroni(plain):
    adjusted = holm(plain)
    assert (adjusted >= plain).all()
    assert (adjusted <= np.minimum(1, len(plain) * np.array(plain)) + 1e-12).all()
    assert (np.diff(adjusted[np.argsort(plain, kind="stable")]) >= 0).all()


def test_of_many_true_nulls_any_is_rejected_no_more_often_than_the_level():
    rng = np.random.default_rng(0)
    plain = rng.uniform(size=(2000, 10))
    any_false = np.mean([holm(one).min() < 0.05 for one in plain])
    assert any_false < 0.065
    assert np.mean(plain.min(axis=1) < 0.05) > 0.3


def test_an_interval_that_ends_at_zero_is_at_the_level():
    assert p_value(Interval(2.0, 0.0, 4.0), 0.9) == pytest.approx(0.1)
    assert math.isnan(p_value(Interval(2.0, math.nan, math.nan), 0.9))
    np.testing.assert_array_equal(holm([math.nan, 0.2]), [math.nan, 0.2])
