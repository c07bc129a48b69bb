"""Linear systems with known eigenpairs, against dense solutions in float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spectra import matrix_with

from slugkit.errors import InputError
from slugkit.linalg.conjugate_gradients import solve


@settings(max_examples=30, deadline=None)
@given(
    decay=st.floats(0.1, 2),
    known=st.integers(0, 20),
    shift=st.floats(1e-2, 10),
    seed=st.integers(0, 2**31),
)
def test_solutions_are_the_dense_ones(decay, known, shift, seed):
    values = 100 * np.arange(1.0, 61) ** -decay
    matrix, columns = matrix_with(values, seed)
    vectors = columns.T
    right = np.random.default_rng(seed).normal(size=60)
    made = solve(
        lambda v: matrix @ v, right, shift, values[:known], vectors[:known], tolerance=1e-9
    )
    expected = np.linalg.solve(matrix + shift * np.eye(60), right)
    np.testing.assert_allclose(made.vector, expected, atol=1e-6 * np.abs(expected).max())


def test_what_is_known_spares_products():
    values = np.r_[np.linspace(1e4, 1e3, 10), np.linspace(1, 0, 190)]
    matrix, columns = matrix_with(values)
    vectors = columns.T
    right = np.random.default_rng(1).normal(size=200)
    spent = [
        solve(lambda v: matrix @ v, right, 1.0, values[:k], vectors[:k]).num_products
        for k in (0, 10)
    ]
    assert spent[1] < spent[0] / 2
    everything = solve(lambda v: matrix @ v, right, 1.0, values, vectors)
    assert everything.num_products <= 2


@pytest.mark.parametrize("shift", [0.0, -1.0, np.inf])
def test_a_shift_that_is_not_positive_is_refused(shift):
    with pytest.raises(InputError, match="shift is"):
        solve(lambda v: v, np.ones(3), shift, np.zeros(0), np.zeros((0, 3)))


def test_too_few_products_are_refused():
    matrix, _ = matrix_with(np.linspace(1, 1e4, 100))
    with pytest.raises(InputError, match="2 products do not solve the system"):
        solve(
            lambda v: matrix @ v,
            np.ones(100),
            1e-3,
            np.zeros(0),
            np.zeros((0, 100)),
            max_products=2,
        )
