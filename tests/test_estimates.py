import numpy as np
import pytest

from slugkit.linalg.estimates import Effort, Estimate, quadratic_forms

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


@pytest.mark.parametrize(
    ("value", "error", "excess"), [(2.0, 0.1, 0.5), (1.0, 0.2, 2.0), (0.0, 0.0, 0.0)]
)
def test_excess_compares_with_what_is_allowed(value, error, excess):
    one = Estimate(np.array([value]), np.array([error]), 1)
    effort = Effort(None, 0.1, score=True, variance=False)
    assert effort.excess(one, None) == pytest.approx(excess)
    assert effort.reached(one, None) == (excess <= 1)
