"""Upper bounds of eigenvalues, against dense matrices."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slugkit.linalg import bounds
from slugkit.linalg.recurrence import Tridiagonal, recurrence

SIZES = st.integers(2, 12)
SEEDS = st.integers(0, 2**32 - 1)


def symmetric(random, size):
    half = random.normal(size=(size, size))
    return half + half.T


@settings(max_examples=100, deadline=None)
@given(size=SIZES, seed=SEEDS, data=st.data())
def test_no_eigenvalue_exceeds_its_upper_bound(size, seed, data):
    random = np.random.default_rng(seed)
    matrix = symmetric(random, size)
    m = data.draw(st.integers(1, size - 1), label="m")
    inside, across, outside = matrix[:m, :m], matrix[m:, :m], matrix[m:, m:]
    # R in an orthonormal basis of its range, and one row more, which is nothing.
    _, singular, axes = np.linalg.svd(across, full_matrices=False)
    remainder = np.concatenate([singular[:, None] * axes, np.zeros((1, m))])
    largest = np.linalg.eigvalsh(outside)[-1]
    upper = bounds.upper(inside, remainder, largest)
    true = np.linalg.eigvalsh(matrix)[::-1][:m]
    # The eigenvalues are computed to about size * eps * |A|, far less than this.
    assert (true <= upper + 1e-12 * np.abs(matrix).sum()).all()


def test_the_bounds_are_tight_where_nothing_couples():
    upper = bounds.upper(np.diag([5.0, 3.0, 1.0]), np.zeros((1, 3)), 2.0)
    np.testing.assert_allclose(upper, [5.0, 3.0, 2.0])


def test_without_a_bound_outside_there_is_none():
    assert np.isinf(bounds.upper(np.eye(2), np.zeros((1, 2)), np.inf)).all()


def chain_on(matrix, vector, steps):
    """Return what a Lanczos iteration, reorthogonalised twice, has shown."""
    made = recurrence(lambda v: matrix @ v, vector, steps, reorthogonalise=True)
    return bounds.Chain(made, float(np.linalg.norm(vector)))


@settings(max_examples=100, deadline=None)
@given(size=SIZES, seed=SEEDS, failure=st.floats(1e-9, 0.5), data=st.data())
def test_a_chain_fails_only_if_its_start_has_too_little_of_the_leading_eigenvector(
    size, seed, failure, data
):
    random = np.random.default_rng(seed)
    values, vectors = np.linalg.eigh(symmetric(random, size))
    steps = data.draw(st.integers(1, size - 1), label="steps")
    start = random.normal(size=size)
    # As little as is allowed, and on which the proof rests: |u^T r| = t.
    least = math.sqrt(math.pi / 2) * failure
    start += (least - vectors[:, -1] @ start) * vectors[:, -1]
    chain = chain_on((vectors * values) @ vectors.T, start, steps)
    # Rounding turns |u^T r| by eps * |r|, here up to 1e-6 of t.
    assert chain.bound(failure * (1 - 1e-4)) >= values[-1] * (1 - 1e-9) - 1e-9
    assert chain.largest <= values[-1] + 1e-12 * np.abs(values).max()


@pytest.mark.parametrize("failure", [0.3, 0.03])
def test_bounds_from_random_starts_fail_at_most_as_often_as_said(failure):
    values = 0.9 ** np.arange(40)
    random = np.random.default_rng(0)
    fails = sum(
        chain_on(np.diag(values), random.normal(size=40), 6).bound(failure) < 1.0
        for _ in range(1000)
    )
    # Each is one of 1,000 independent events of at most this probability; the bound is wrong less
    # often, since not all that lies outside of the chain is in the leading eigenvector.
    assert 0 < fails < 1000 * failure


def test_bounds_fall_with_each_step_and_rise_with_certainty():
    random, matrix = np.random.default_rng(0), np.diag(0.9 ** np.arange(100))
    start = random.normal(size=100)
    by_steps = [chain_on(matrix, start, steps).bound(1e-4) for steps in range(1, 25)]
    assert (np.diff(by_steps) < 0).all()
    # Seven powers of ten cost few steps.
    assert by_steps[-1] < 1.01 < by_steps[0]
    chain = chain_on(matrix, start, 20)
    by_failure = [chain.bound(failure) for failure in (1e-1, 1e-4, 1e-8)]
    assert (np.diff(by_failure) > 0).all()


def test_a_chain_that_ends_knows_all_that_it_can_reach():
    assert bounds.Chain(Tridiagonal(np.array([0.5]), np.array([0.0])), 3.0).bound(1e-6) == 0.5
