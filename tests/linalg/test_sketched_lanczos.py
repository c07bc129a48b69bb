"""Lanczos iteration that keeps its vectors only as sketched."""

import numpy as np
import pytest
from spectra import matrix_with

from slugkit.errors import InputError
from slugkit.linalg.sketch import make_sketch
from slugkit.linalg.sketched_lanczos import sketched_lanczos


def test_an_orthogonal_sketch_takes_out_what_the_full_basis_takes_out():
    values = np.r_[2.0 ** -np.arange(12), np.zeros(116)]
    matrix, q = matrix_with(values)
    basis, num_products = sketched_lanczos(
        lambda v: matrix @ v,
        make_sketch("srft", 128, 128, 0),
        16,
        length=128,
        seed=1,
        dtype=np.float64,
    )
    g = np.random.default_rng(5).normal(size=(6, 128))
    leading = np.sum((g @ q[:, :12]) ** 2, axis=1)
    inside = basis.norm_inside(g)
    # The space has the leading eigenvectors in it, and one direction for the null space.
    assert (inside >= leading * (1 - 1e-6)).all()
    assert (inside <= np.sum(g**2, axis=1) + 1e-9).all()
    assert len(basis.rows) <= 13
    assert num_products <= 16


def test_copies_of_converged_directions_are_dropped():
    values = np.r_[1e4, 1e3, np.linspace(0, 1, 198)]
    matrix, _ = matrix_with(values.astype(np.float32))
    basis, num_products = sketched_lanczos(
        lambda v: (matrix @ v).astype(np.float32),
        make_sketch("srft", 200, 200, 0),
        60,
        length=200,
        seed=0,
    )
    assert len(basis.rows) < num_products == 60
    np.testing.assert_allclose(basis.rows @ basis.rows.T, np.eye(len(basis.rows)), atol=1e-4)


def test_products_that_are_not_finite_are_refused():
    with pytest.raises(InputError, match="product number 1 with the matrix is not finite"):
        sketched_lanczos(lambda v: v * np.nan, make_sketch("srft", 20, 10, 0), 5, length=20, seed=0)
