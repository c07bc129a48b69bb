"""Hutch++ of one image, against the dense Jacobian."""

import pytest
from estimator_checks import check_fixed_budget


@pytest.mark.usefixtures("x64")
def test_the_score_agrees_with_the_dense_jacobian(posteriors):
    check_fixed_budget(posteriors, "hutchpp")
