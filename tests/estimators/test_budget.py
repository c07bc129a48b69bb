"""How much work an estimate may take."""

import numpy as np
import pytest

from slugkit.errors import InputError
from slugkit.estimators.budget import DEFAULT_NUM_PRODUCTS, Budget, make_budget
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
