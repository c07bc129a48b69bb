"""The Lanczos recurrence, from a symmetric matrix to a tridiagonal one."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from slugkit.errors import InputError
from slugkit.linalg.basis import orthogonalise

Vector = Float[np.ndarray, " p"]
Product = Callable[[Vector], Vector]

# Numbers below this many units of rounding, relative to the size of the matrix, count as zero.
ROUNDING = 32


@dataclass(frozen=True)
class Tridiagonal:
    """The matrix T that a Lanczos iteration has made of a symmetric one."""

    diagonal: Float[np.ndarray, " m"]
    off_diagonal: Float[np.ndarray, " m"]  # the last is the norm of what remains beyond T

    def matrix(self) -> Float[np.ndarray, "m m"]:
        """Return T as a dense matrix."""
        beside = self.off_diagonal[:-1]
        return np.diag(self.diagonal) + np.diag(beside, 1) + np.diag(beside, -1)


def multiply(product: Product, vector: Vector, number: int) -> Vector:
    """Return A v of the type of v, as an array of its own.

    Raises
    ------
    InputError
        It is not finite; the message names the number of the product, counted from 1.
    """
    image = np.array(product(vector), dtype=vector.dtype)
    if not np.isfinite(image).all():
        raise InputError(
            f"product number {number} with the matrix is not finite; check the model's "
            "derivatives at the given parameters and images"
        )
    return image


def recurrence(
    product: Product,
    start: Vector,
    num_steps: int,
    *,
    reorthogonalise: bool,
    visit: Callable[[Vector], object] = lambda vector: None,
) -> Tridiagonal:
    r"""Run the Lanczos recurrence from one vector.

    .. math:: \beta_{j+1} v_{j+1} = A v_j - \alpha_j v_j - \beta_j v_{j-1}

    It ends early where nothing remains. The iteration of `slugkit.linalg.lanczos` is another one:
    it has several remainders in turn, and so a matrix T with more than three diagonals.

    Parameters
    ----------
    product
        Maps a vector (p,) to A times it.
    start
        A vector (p,) that is not zero; its type is that of the iteration.
    num_steps
        The largest number of products.
    reorthogonalise
        Keep all vectors and orthogonalise each against all others, twice. Otherwise only the last
        two are kept, and directions that have converged come again.
    visit
        Called with each Lanczos vector, after its product.

    Raises
    ------
    InputError
        A product is not finite.
    """
    dtype = start.dtype
    vector = start / float(np.linalg.norm(start))
    vectors: list[Vector] = []
    previous, beta, largest = np.zeros_like(vector), 0.0, 0.0
    diagonal, off_diagonal = [], []
    for step in range(1, num_steps + 1):
        image = multiply(product, vector, step)
        visit(vector)
        largest = max(largest, float(np.linalg.norm(image)))
        if reorthogonalise:
            vectors.append(vector)
            diagonal.append(float(np.vdot(vector, image)))
            basis = np.stack(vectors)
            for _ in range(2):
                image, _ = orthogonalise(image, basis)
        else:
            image = image - beta * previous
            diagonal.append(float(np.vdot(vector, image)))
            image = image - diagonal[-1] * vector
        beta = float(np.linalg.norm(image))
        off_diagonal.append(beta)
        if beta <= ROUNDING * float(np.finfo(dtype).eps) * largest:
            break
        previous, vector = vector, (image / beta).astype(dtype)
    return Tridiagonal(np.array(diagonal), np.array(off_diagonal))
