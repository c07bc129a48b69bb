"""How much work an estimate may take."""

import warnings

import numpy as np
import pytest

from slugkit.errors import CostWarning, InputError
from slugkit.estimators.budget import DEFAULT_NUM_PRODUCTS, Budget, check_budget, make_budget
from slugkit.linalg.estimates import Estimate


@pytest.mark.parametrize(
    ("value", "error", "excess"), [(2.0, 0.1, 0.5), (1.0, 0.2, 2.0), (0.0, 0.0, 0.0)]
)
def test_excess_compares_with_what_is_allowed(value, error, excess):
    one = Estimate(np.array([value]), np.array([error]), 1)
    budget = Budget(None, 0.1, score=True, variance=False)
    assert budget.excess(one, None) == pytest.approx(excess)
    assert budget.reached(one, None) == (excess <= 1)


def test_of_score_and_map_the_worse_one_counts():
    good, bad = (Estimate(np.ones(1), np.full(1, error), 1) for error in (0.1, 0.3))
    both = Budget(None, 0.1, score=True, variance=True)
    assert both.excess(good, bad) == pytest.approx(3)
    assert Budget(None, 0.1, score=True, variance=False).excess(good, bad) == pytest.approx(1)


def test_what_remains_is_bounded_by_the_budget():
    assert Budget(10, None, True, False).remaining(8, 16) == 2
    assert Budget(None, 0.1, True, False).remaining(8, 16) == 16


def test_the_default_is_a_number_of_products_unless_a_goal_is_given():
    assert make_budget(None, None, score=True, variance=False).num_products == DEFAULT_NUM_PRODUCTS
    assert make_budget(None, 0.1, score=True, variance=False).num_products is None


@pytest.mark.parametrize(
    ("number", "goal", "message"),
    [(0, None, "num_samples is 0"), (None, 0.0, "relative_error is 0.0"), (5, 1.0, "such as 0.05")],
)
def test_unusable_budgets_are_refused(number, goal, message):
    with pytest.raises(InputError, match=message):
        make_budget(number, goal, score=True, variance=True)


def cost(goal, num_products=None, error=0.1, most=float("inf")):
    one = Estimate(np.ones(2), np.full(2, error), 16)
    budget = Budget(num_products, goal, score=True, variance=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        budget.warn_of_cost("pushforward", one, None, most)
    assert all(issubclass(warning.category, CostWarning) for warning in caught)
    return [str(warning.message) for warning in caught]


def test_a_goal_that_takes_very_many_products_says_how_many():
    assert cost(1e-6) == [
        "relative_error=1e-06 will take about 2e+11 products per image by 'pushforward', as the "
        "first 16 show; allow a larger error, give num_samples as a limit, or choose 'krylov'"
    ]
    assert cost(1e-2) == []
    assert cost(1e-6, num_products=1000) == []
    assert cost(1e-6, most=2000) == []
    assert cost(None, num_products=10) == []


def test_a_budget_below_the_least_is_refused():
    check_budget("xtrace", Budget(8, None, True, False), 8)
    check_budget("xtrace", Budget(None, 0.1, True, False), 8)
    with pytest.raises(InputError) as error:
        check_budget("xtrace", Budget(6, None, True, False), 8)
    assert str(error.value) == "num_samples is 6; the estimator 'xtrace' needs at least 8"
