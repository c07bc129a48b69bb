"""Estimates and their standard errors."""

import numpy as np
import pytest

from slugkit.linalg.estimates import (
    Estimate,
    ScoreAndVariance,
    chi_square,
    join,
    mean,
    quadratic_forms,
)

ROOT = np.random.default_rng(0).standard_normal((12, 30)) / np.arange(1, 13)[:, None]  # B
MATRIX = ROOT @ ROOT.T
DRAWN = 10


def drawn(seed):
    samples = np.random.default_rng(seed).standard_normal((DRAWN, 30)) @ ROOT.T
    return quadratic_forms(samples, DRAWN)


def test_quadratic_forms_are_unbiased_and_know_their_error():
    made = [drawn(seed) for seed in range(2000)]
    values = np.array([one.value[0] for one in made])
    variances = np.array([one.standard_error[0] ** 2 for one in made])
    exact = 2 * np.sum(MATRIX**2) / DRAWN
    assert values.mean() == pytest.approx(np.trace(MATRIX), abs=4 * (exact / 2000) ** 0.5)
    assert values.var() == pytest.approx(exact, rel=0.15)
    off = variances.std() / 2000**0.5
    assert variances.mean() == pytest.approx(exact, abs=4 * off)


def test_pairs_know_the_error_better_than_the_spread_of_the_norms():
    # Of a flat spectrum; with few leaders all pairs say the same.
    draws = [np.random.default_rng(seed).standard_normal((DRAWN, 60)) for seed in range(500)]
    of_pairs = [quadratic_forms(y, DRAWN).standard_error[0] ** 2 for y in draws]
    of_norms = [np.var(np.sum(y**2, axis=1), ddof=1) / DRAWN for y in draws]
    assert np.std(of_pairs) < 0.6 * np.std(of_norms)


def test_orthogonal_samples_leave_no_error_and_no_rounding():
    samples = np.diag([0.1, 0.3, 0.7, 1.1])
    made = quadratic_forms(samples, 4)
    assert made.standard_error[0] == 0
    assert made.value[0] == pytest.approx(np.sum(samples**2) / 4)


def test_one_sample_tells_nothing_of_its_error():
    assert np.isinf(quadratic_forms(np.ones((1, 3)), 1).standard_error[0])


def test_the_mean_of_one_sample_has_no_known_error():
    made = mean(np.ones((1, 2)), 1)
    assert (made.value == 1).all()
    assert np.isinf(made.standard_error).all()


def test_a_known_part_has_no_error():
    made = chi_square(np.array([3.0]), np.array([8.0]), 4, 9)
    assert made.value[0] == 5
    assert made.standard_error[0] == pytest.approx(2 * np.sqrt(2 / 4))
    assert made.num_products == 9


def test_estimates_of_groups_are_joined_and_nothing_stays_nothing():
    one = Estimate(np.ones(2), np.zeros(2), 3)
    two = Estimate(np.zeros(1), np.ones(1), 5)
    made = join([one, two])
    assert made.value.tolist() == [1, 1, 0]
    assert made.num_products == 5
    assert join([None, None]) is None


def test_the_error_of_large_numbers_is_finite():
    samples = np.array([[1e30], [3e30]], np.float32)
    made = mean(samples, 2)
    assert made.standard_error.dtype == np.float32
    np.testing.assert_allclose(made.standard_error, 1e30, rtol=1e-6)


def test_an_estimate_shows_itself_on_a_few_lines():
    made = Estimate(np.array([1.0, 2.0, 4.0]), np.array([0.1, 0.1, 0.1]), 100)
    assert repr(made).splitlines() == [
        "Estimate of 3 images",
        "  median          2",
        "  relative error  0.05 (median over the images)",
        "  products        100 per image",
    ]
    assert made._repr_html_().count("<tr>") == 3
    assert repr(Estimate(np.float64(2), np.float64(0.2), 1)).startswith("Estimate of 1 images")


def test_a_map_tells_of_its_shape():
    map_ = Estimate(np.zeros((2, 4, 4)), np.zeros((2, 4, 4)), 8)
    assert repr(map_).startswith("Estimate of 2 images, (4, 4) each")
    both = ScoreAndVariance(Estimate(np.ones(2), np.ones(2), 8), map_)
    assert repr(both).count("products") == 2
    assert both._repr_html_().count("<table>") == 2
