"""The Lanczos recurrence on matrices with a prescribed spectrum."""

import numpy as np
import pytest
from spectra import matrix_with

from slugkit.errors import InputError
from slugkit.linalg.recurrence import ROUNDING, multiply, recurrence

SPECTRA = {
    "decaying": 0.8 ** np.arange(40),
    "clustered": np.repeat([5.0, 1.0, 0.1], [3, 7, 30]) * (1 + 1e-6 * np.arange(40)),
    "linear": np.linspace(0, 1, 40),
}


@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("steps", [1, 2, 12])
def test_the_tridiagonal_matrix_is_the_projection_onto_the_vectors(spectrum, steps):
    matrix, _ = matrix_with(SPECTRA[spectrum])
    start = np.random.default_rng(1).normal(size=40)
    vectors = []
    made = recurrence(
        lambda v: matrix @ v, start, steps, reorthogonalise=True, visit=vectors.append
    )
    v = np.array(vectors)
    np.testing.assert_allclose(v @ v.T, np.eye(steps), atol=1e-13)
    np.testing.assert_allclose(v @ matrix @ v.T, made.matrix(), atol=1e-13 * np.abs(matrix).sum())
    left = np.linalg.norm(matrix @ v[-1] - (v @ matrix @ v[-1]) @ v)
    assert made.off_diagonal[-1] == pytest.approx(left, rel=1e-6)


def test_three_terms_are_enough_until_a_pair_has_converged():
    matrix, _ = matrix_with(SPECTRA["linear"])
    start = np.random.default_rng(1).normal(size=40)
    short, full = (
        recurrence(lambda v: matrix @ v, start, 6, reorthogonalise=full) for full in (False, True)
    )
    np.testing.assert_allclose(short.matrix(), full.matrix(), atol=1e-12)


@pytest.mark.parametrize(
    "values",
    [
        2.0 ** -np.arange(40),
        np.r_[np.full(4, 9.0), np.linspace(0, 1, 36)],
        np.r_[np.ones(8), np.zeros(32)],
    ],
    ids=["decaying", "gap", "rank-deficient"],
)
def test_ritz_values_without_reorthogonalisation_are_those_of_the_matrix(values):
    matrix, _ = matrix_with(values)
    start = np.random.default_rng(1).normal(size=40)
    made = recurrence(lambda v: matrix @ v, start, 25, reorthogonalise=False)
    ritz, coordinates = np.linalg.eigh(made.matrix())
    assert ritz[-1] == pytest.approx(values.max(), rel=1e-8)
    # Every Ritz value whose estimated residual is small is an eigenvalue.
    residuals = made.off_diagonal[-1] * np.abs(coordinates[-1])
    for value in ritz[residuals < 1e-8]:
        assert np.abs(values - value).min() < 1e-6


def test_without_reorthogonalisation_converged_directions_come_again():
    values = np.r_[1e4, 1e3, np.linspace(0, 1, 198)].astype(np.float32)
    start = np.random.default_rng(0).normal(size=200).astype(np.float32)
    largest = {
        full: np.linalg.eigvalsh(
            recurrence(lambda v: values * v, start, 60, reorthogonalise=full).matrix()
        )
        for full in (False, True)
    }
    assert (largest[False] > 9e3).sum() > 1
    assert (largest[True] > 9e3).sum() == 1


@pytest.mark.parametrize("full", [False, True])
def test_it_ends_where_nothing_remains(full):
    values = np.repeat([2.0, 1.0], 10)
    start = np.random.default_rng(0).normal(size=20)
    made = recurrence(lambda v: values * v, start, 10, reorthogonalise=full)
    assert len(made.diagonal) == 2
    np.testing.assert_allclose(np.linalg.eigvalsh(made.matrix()), [1.0, 2.0], atol=1e-12)
    assert made.off_diagonal[-1] <= ROUNDING * np.finfo(float).eps * 2


def test_products_that_are_not_finite_are_named_by_their_number():
    with pytest.raises(InputError, match="product number 3 with the matrix is not finite"):
        multiply(lambda v: v / 0 * np.inf if v.any() else v * np.nan, np.zeros(2), 3)


def test_a_product_is_an_array_of_its_own_and_of_the_type_of_the_vector():
    vector = np.ones(3, np.float32)
    image = multiply(lambda v: v, vector, 1)
    image[:] = 2
    assert (vector == 1).all()
    assert multiply(lambda v: v.astype(np.float64), vector, 1).dtype == np.float32
