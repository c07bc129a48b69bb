"""Conjugate gradients for a matrix of which the leading eigenpairs are known."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.sparse.linalg import LinearOperator, cg

from slugkit.errors import InputError
from slugkit.linalg.basis import coefficients, combine
from slugkit.linalg.recurrence import Product, Vector


class Solution(NamedTuple):
    """The solution of a linear system, and what it took."""

    vector: Vector
    num_products: int


def solve(
    product: Product,
    right: Vector,
    shift: float,
    values: Float[np.ndarray, " k"],
    vectors: Float[np.ndarray, "k p"],
    *,
    tolerance: float = 1e-3,
    max_products: int = 1000,
) -> Solution:
    r"""Return the solution of :math:`(A + a I) x = b` by preconditioned conjugate gradients.

    .. math:: P^{-1} = \frac{1}{a} \left(I - U \frac{\Lambda}{\Lambda + a} U^T\right)

    is the inverse where A has no other eigenvalues than the known ones. With k of them the number
    of products is of the order of :math:`\sqrt{\lambda_{k+1} / a}`.

    Parameters
    ----------
    product
        Maps a vector (p,) to A times it; a loop in Python, for which SciPy's iteration fits, while
        JAX's would put convolutions inside of a loop of XLA.
    right
        b.
    shift
        a, above zero.
    values, vectors
        The known eigenpairs; the vectors are orthonormal rows.
    tolerance
        The largest norm of the residual, relative to that of b.
    max_products
        The largest number of products.

    Raises
    ------
    InputError
        The shift is not above zero, or the products do not suffice.

    References
    ----------
    Hestenes, Stiefel, J. Res. Nat. Bur. Stand. 49 (1952); Saad, Iterative Methods for Sparse Linear
    Systems, 2nd edition, section 9.2.

    Examples
    --------
    >>> diagonal = np.array([9.0, 3.0, 1.0])
    >>> made = solve(lambda v: diagonal * v, np.ones(3), 1.0, diagonal[:1], np.eye(3)[:1])
    >>> made.vector.round(3)
    array([0.1 , 0.25, 0.5 ])
    """
    if not 0 < shift < math.inf:
        raise InputError(f"shift is {shift}; give a positive number")
    removed = np.maximum(values, 0) / (np.maximum(values, 0) + shift)
    spent = 0

    def shifted(vector: Vector) -> Vector:
        nonlocal spent
        spent += 1
        vector = vector.astype(right.dtype, copy=False).ravel()
        return product(vector) + right.dtype.type(shift) * vector

    def precondition(vector: Vector) -> Vector:
        vector = vector.ravel()
        along = coefficients(vectors, vector) * removed
        rest = vector - combine(along, vectors, vector.dtype)
        return rest / vector.dtype.type(shift)

    shape = (len(right), len(right))
    found, failed = cg(
        LinearOperator(shape, matvec=shifted, dtype=right.dtype),
        right,
        rtol=tolerance,
        maxiter=max_products,
        M=LinearOperator(shape, matvec=precondition, dtype=right.dtype),
    )
    if failed:
        raise InputError(
            f"{max_products} products do not solve the system to {tolerance}; give more "
            "eigenpairs, a larger shift, or more products"
        )
    return Solution(found, spent)
