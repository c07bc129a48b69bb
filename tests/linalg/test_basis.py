"""A matrix of few long rows, in memory, in a file and in bfloat16."""

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugkit.errors import InputError
from slugkit.linalg import basis as rows

# More rows than a block has.
MANY = rows.ROWS_PER_BLOCK + 5


def orthonormal(count, size, seed=0):
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(size, count)))
    return np.ascontiguousarray(q.T)


@given(count=st.integers(0, MANY), vectors=st.integers(1, 3), seed=st.integers(0, 1000))
def test_blocks_give_what_whole_products_give(count, vectors, seed):
    random = np.random.default_rng(seed)
    basis, x = random.normal(size=(count, 30)), random.normal(size=(vectors, 30))
    along = rows.coefficients(basis, x)
    np.testing.assert_allclose(along, x @ basis.T, atol=1e-12)
    np.testing.assert_allclose(rows.combine(along, basis, float), along @ basis, atol=1e-10)


def test_what_is_orthogonalised_and_what_was_removed_add_up():
    basis, vector = orthonormal(MANY, 60), np.random.default_rng(1).normal(size=60)
    rest, removed = rows.orthogonalise(vector, basis)
    np.testing.assert_allclose(basis @ rest, 0, atol=1e-14)
    np.testing.assert_allclose(rest + removed @ basis, vector, atol=1e-14)


def test_sums_over_a_bfloat16_basis_are_in_the_type_of_the_vectors():
    basis = orthonormal(4, 500).astype(ml_dtypes.bfloat16)
    vector = np.random.default_rng(0).normal(size=500).astype(np.float32)
    exact = basis.astype(np.float64) @ vector.astype(np.float64)
    found = rows.coefficients(basis, vector)
    assert found.dtype == np.float32
    # Sums of 500 terms, none of them rounded to the eight bits of bfloat16.
    np.testing.assert_allclose(found, exact, atol=500 * np.finfo(np.float32).eps)


@pytest.mark.parametrize("on_disk", [False, True])
def test_rotation_takes_the_place_of_the_rows(tmp_path, on_disk):
    basis = orthonormal(5, 40)
    rotation = orthonormal(3, 4, seed=1)
    expected = rotation @ basis[:4]
    owned = np.array(basis)
    made = rows.rotate(owned, rotation, tmp_path / "basis" if on_disk else None)
    np.testing.assert_allclose(made, expected, atol=1e-14)
    assert made.shape == (3, 40)


@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16])
def test_a_file_keeps_its_rows(tmp_path, dtype):
    path = tmp_path / "basis"
    made = rows.allocate(3, 7, dtype, path)
    made[:] = np.arange(21).reshape(3, 7)
    again = rows.allocate(3, 7, dtype, path, keep=True)
    np.testing.assert_array_equal(again.astype(float), np.arange(21.0).reshape(3, 7))
    with pytest.raises(InputError, match="delete the checkpoint"):
        rows.allocate(3, 8, dtype, path, keep=True)


def test_bytes_and_back():
    basis = orthonormal(2, 9).astype(ml_dtypes.bfloat16)
    again = rows.from_bytes(rows.to_bytes(basis), "bfloat16")
    np.testing.assert_array_equal(again.view(np.uint16), basis.view(np.uint16))


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(InputError, match="cannot be kept in"):
        rows.allocate(1, 1, np.float32, tmp_path / "missing" / "basis")
