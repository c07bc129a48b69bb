import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from companion.statistics.metrics import (
    ause,
    bootstrap,
    bootstrap_many,
    inside_outside_ratio,
    partial_spearman,
    pixel_auroc,
    pixel_average_precision,
    rejection_curve,
    spearman,
)
from slugkit.errors import InputError

pairs = st.lists(
    st.tuples(st.floats(0, 100, width=16), st.floats(0, 100, width=16)), min_size=3, max_size=30
).map(lambda rows: np.array(rows).T)


@given(pairs)
def test_spearman_against_scipy(data):
    first, second = data
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        assert np.isnan(spearman(first, second))
    else:
        expected = stats.spearmanr(first, second).statistic
        assert spearman(first, second) == pytest.approx(expected, abs=1e-9)


def test_partial_spearman_against_the_closed_form():
    rng = np.random.default_rng(0)
    common = rng.normal(size=500)
    first, second = common + rng.normal(size=(2, 500))
    a, b, c = spearman(first, second), spearman(first, common), spearman(second, common)
    expected = (a - b * c) / np.sqrt((1 - b**2) * (1 - c**2))
    assert partial_spearman(first, second, common) == pytest.approx(expected)
    assert abs(partial_spearman(first, second, common)) < 0.15 < a


def test_many_statistics_have_the_intervals_that_each_has_alone():
    rng = np.random.default_rng(0)
    values, groups = rng.normal(size=(2, 60)), np.repeat(np.arange(20), 3)
    options = {"groups": groups, "resamples": 200, "confidence": 0.9, "seed": 1}
    many = bootstrap_many(lambda a, b: [a.mean(), spearman(a, b)], *values, **options)
    assert many[0] == bootstrap(lambda a, b: a.mean(), *values, **options)
    assert many[1] == bootstrap(spearman, *values, **options)


def test_two_given_variables_are_removed_as_one_after_the_other():
    random = np.random.default_rng(1)
    first, second, one, two = random.normal(size=(4, 300))
    ranks = [np.argsort(np.argsort(v)).astype(float) for v in (first + one, second + one, one, two)]

    def residual(values, design):
        return values - design @ np.linalg.lstsq(design, values, rcond=None)[0]

    constant = np.column_stack([np.ones(300), ranks[2]])
    further = residual(ranks[3], constant)[:, None]
    expected = [residual(residual(rank, constant), further) for rank in ranks[:2]]
    found = partial_spearman(first + one, second + one, one, two)
    assert found == pytest.approx(np.corrcoef(*expected)[0, 1])


@given(pairs)
def test_rejection_does_not_depend_on_the_scale_of_the_uncertainty(data):
    error, uncertainty = data
    fractions = np.linspace(0, 0.9, 7)
    np.testing.assert_array_equal(
        rejection_curve(error, uncertainty, fractions),
        rejection_curve(error, 4 * uncertainty + 1, fractions),
    )


@given(pairs)
def test_no_order_beats_the_oracle(data):
    error, uncertainty = data
    value = ause(error, uncertainty)
    assert np.isnan(value) or value >= -1e-9
    oracle = ause(error, error)
    assert np.isnan(oracle) or oracle == 0


def test_a_random_order_scores_one_on_average():
    rng = np.random.default_rng(0)
    error = rng.exponential(size=200)
    assert np.mean([ause(error, rng.random(200)) for _ in range(200)]) == pytest.approx(1, abs=0.05)


def test_pixels_against_scikit_learn_and_chance():
    rng = np.random.default_rng(0)
    mask = np.zeros((32, 32), bool)
    mask[4:12, 4:12] = True
    noise = rng.random((32, 32))
    assert pixel_auroc(noise, mask) == pytest.approx(roc_auc_score(mask.ravel(), noise.ravel()))
    assert pixel_auroc(mask + noise / 2, mask) == 1
    assert pixel_average_precision(mask + noise / 2, mask) == 1
    assert pixel_average_precision(noise, mask) == pytest.approx(mask.mean(), abs=0.05)
    assert inside_outside_ratio(1.0 + 2 * mask, mask) == 3


@pytest.mark.parametrize("mask", [np.zeros((4, 4), bool), np.ones((4, 4), bool)])
def test_a_mask_of_one_kind_has_no_metric(mask):
    for metric in (pixel_auroc, pixel_average_precision, inside_outside_ratio):
        assert np.isnan(metric(np.ones((4, 4)), mask))


def test_the_bootstrap_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(200):
        sample = rng.normal(size=60)
        found = bootstrap(np.mean, sample, resamples=200, confidence=0.9, seed=trial)
        hits += found.low <= 0 <= found.high
    assert 0.82 <= hits / 200 <= 0.97


def test_rows_of_a_group_are_drawn_together():
    rng = np.random.default_rng(0)
    values = rng.normal(size=40)
    options = {"resamples": 400, "confidence": 0.95, "seed": 0}
    once = bootstrap(np.mean, values, **options)
    twice = bootstrap(np.mean, np.tile(values, 4), groups=np.tile(np.arange(40), 4), **options)
    naive = bootstrap(np.mean, np.tile(values, 4), **options)
    assert twice.high - twice.low == pytest.approx(once.high - once.low, rel=0.15)
    assert naive.high - naive.low < 0.7 * (once.high - once.low)


def test_the_bootstrap_refuses_what_it_cannot_use():
    options = {"resamples": 10, "confidence": 0.9, "seed": 0}
    with pytest.raises(InputError, match="one length above 0"):
        bootstrap(np.mean, np.zeros(0), **options)
    with pytest.raises(InputError, match=r"\[2, 3\]"):
        bootstrap(spearman, np.zeros(2), np.zeros(3), **options)
    assert np.isnan(bootstrap(spearman, np.zeros(5), np.arange(5.0), **options).low)
