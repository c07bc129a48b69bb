"""The range finder on matrices with a prescribed spectrum, in float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spectra import matrix_with

from slugkit.errors import InputError
from slugkit.linalg.range_finder import (
    nystrom_pairs,
    orthonormalise,
    random_directions,
    residuals,
    sample_range,
    sample_sketched,
    sketched_range,
)
from slugkit.linalg.sketch import make_sketch


def in_parts(matrix, count=3, seed=0):
    """Return one pass over a matrix that is a sum of so many."""
    weights = np.random.default_rng(seed).dirichlet(np.ones(count))
    parts = [(weight * matrix).astype(matrix.dtype) for weight in weights]

    def one_pass(directions, number, add, progress=None):
        for part in parts:
            for j in range(number):
                add(j, part @ directions(j))

    return one_pass


def sampled(matrix, count, seed=1):
    directions = random_directions(seed, len(matrix), matrix.dtype)
    room = np.empty((count, len(matrix)), matrix.dtype)
    return directions, sample_range(in_parts(matrix), directions, room)


@settings(max_examples=40, deadline=None)
@given(
    decay=st.floats(0.2, 3),
    size=st.integers(20, 120),
    count=st.integers(1, 20),
    seed=st.integers(0, 2**31),
)
def test_values_are_below_the_eigenvalues_and_vectors_orthonormal(decay, size, count, seed):
    values = np.arange(1.0, size + 1) ** -decay
    pairs = nystrom_pairs(*sampled(matrix_with(values, seed)[0], count, seed))
    assert len(pairs.values) == count
    assert (pairs.values <= values[:count] * (1 + 1e-8)).all()
    assert (np.diff(pairs.values) <= 0).all()
    np.testing.assert_allclose(pairs.vectors @ pairs.vectors.T, np.eye(count), atol=1e-10)


@settings(max_examples=20, deadline=None)
@given(rank=st.integers(1, 15), seed=st.integers(0, 2**31))
def test_a_matrix_of_low_rank_is_found_exactly(rank, seed):
    values = np.r_[np.linspace(1, 2, rank)[::-1], np.zeros(60 - rank)]
    matrix, _ = matrix_with(values, seed)
    pairs = nystrom_pairs(*sampled(matrix, rank + 5, seed))
    assert len(pairs.values) == rank
    np.testing.assert_allclose(pairs.values, values[:rank], rtol=1e-7)
    np.testing.assert_allclose((pairs.vectors.T * pairs.values) @ pairs.vectors, matrix, atol=1e-6)


def test_the_expected_error_is_within_the_bound():
    """Halko, Martinsson, Tropp (2011), theorem 10.5: of the projection, in the Frobenius norm."""
    values = 0.9 ** np.arange(100.0)
    matrix, _ = matrix_with(values)
    rank, oversampling = 10, 10
    squares = []
    for seed in range(20):
        _, rows = sampled(matrix, rank + oversampling, seed)
        orthonormalise(rows)
        squares.append(np.linalg.norm(matrix - rows.T @ (rows @ matrix)) ** 2)
    bound = (1 + rank / (oversampling - 1)) * np.sum(values[rank:] ** 2)
    assert np.mean(squares) < bound


def test_single_precision_finds_small_eigenvalues_beside_large_ones():
    values = 10 ** np.linspace(4, -1, 120)
    single, double = (
        nystrom_pairs(*sampled(matrix_with(values)[0].astype(kind), 100))
        for kind in (np.float32, float)
    )
    np.testing.assert_allclose(single.values[:90], double.values[:90], rtol=0.05)
    np.testing.assert_allclose(single.vectors @ single.vectors.T, np.eye(100), atol=1e-5)


def test_residuals_are_those_of_the_pairs():
    matrix, _ = matrix_with(0.8 ** np.arange(50.0))
    pairs = nystrom_pairs(*sampled(matrix, 12))
    found = residuals(in_parts(matrix), pairs.values, pairs.vectors)
    expected = np.linalg.norm(matrix @ pairs.vectors.T - pairs.vectors.T * pairs.values, axis=0)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_rows_that_depend_on_others_become_zero():
    rows = np.random.default_rng(0).normal(size=(3, 30))
    rows = np.vstack([rows, rows[0] - 2 * rows[2]])
    given = rows.copy()
    factor = orthonormalise(rows)
    np.testing.assert_allclose(sorted(np.linalg.norm(rows, axis=1)), [0, 1, 1, 1], atol=1e-12)
    np.testing.assert_allclose(rows.T @ factor, given.T, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(0, 5), seed=st.integers(0, 2**31))
def test_rows_of_very_different_lengths_become_orthonormal(scale, seed):
    random = np.random.default_rng(seed)
    # Orthogonal: another factor may leave a direction below the rounding of float32.
    orthogonal = np.linalg.qr(random.normal(size=(12, 12)))[0]
    mixed = orthogonal * 10 ** np.linspace(0, -scale, 12)
    rows = (mixed @ random.normal(size=(12, 500))).astype(np.float32)
    given = rows.copy()
    factor = orthonormalise(rows)
    np.testing.assert_allclose(rows @ rows.T, np.eye(12), atol=1e-5)
    np.testing.assert_allclose(rows.T @ factor, given.T, atol=1e-5 * np.abs(given).max())


@pytest.mark.parametrize("kind", ["srft", "sparse"])
def test_the_sketch_of_the_sample_is_the_sample_as_sketched(kind):
    matrix, _ = matrix_with(0.7 ** np.arange(80.0))
    sketch = make_sketch(kind, 80, 30, 0)
    directions, rows = sampled(matrix, 6)
    made = sample_sketched(in_parts(matrix), directions, 6, sketch)
    np.testing.assert_allclose(made, sketch(rows), atol=1e-12)
    basis = sketched_range(made, sketch, np.float64)
    np.testing.assert_allclose(basis.rows @ basis.rows.T, np.eye(6), atol=1e-12)
    inside = rows.T @ np.random.default_rng(0).normal(size=(6, 3))
    np.testing.assert_allclose(basis.squared_residuals(inside.T), 0, atol=1e-20)


def test_products_that_are_not_finite_are_refused():
    matrix, _ = matrix_with(np.ones(8))
    matrix[0] = np.nan
    with pytest.raises(InputError, match="product number 1 with the matrix is not finite"):
        sampled(matrix, 2)
