"""The range finder: the leading eigenpairs of a matrix from its products with random vectors."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from jaxtyping import Float

from slugkit.errors import InputError
from slugkit.linalg import basis
from slugkit.linalg.random import normals
from slugkit.linalg.recurrence import ROUNDING, Vector
from slugkit.linalg.sketch import Sketch
from slugkit.linalg.sketched_basis import SketchedBasis
from slugkit.progress import ProgressCallback

# The number of directions that are made again at once.
DIRECTIONS_PER_BLOCK = 8

# number j -> vector (p,)
Directions = Callable[[int], Vector]


class OnePass(Protocol):
    """Multiplies many vectors by a matrix that is a sum, in one pass over its terms."""

    def __call__(
        self,
        directions: Directions,
        count: int,
        add: Callable[[int, Vector], None],
        progress: ProgressCallback | None = None,
    ) -> None:
        """Call ``add(j, part)`` with each part of A times direction j, for all j below count."""
        ...


@dataclass(frozen=True)
class NystromPairs:
    """Approximate eigenpairs, the largest first."""

    values: Float[np.ndarray, " m"]  # none is above the eigenvalue of the same rank
    vectors: Float[np.ndarray, "m p"]  # orthonormal rows


def random_directions(seed: int, length: int, dtype: Any) -> Directions:
    """Return standard normal vectors that are made again from the seed whenever they are asked for.

    >>> directions = random_directions(0, 4, np.float32)
    >>> bool((directions(3) == directions(3)).all())
    True
    """
    return lambda number: normals(seed, range(number, number + 1), length, dtype)[0]


def sample_range(
    one_pass: OnePass,
    directions: Directions,
    total: Float[np.ndarray, "m p"],
    progress: ProgressCallback | None = None,
) -> Float[np.ndarray, "m p"]:
    r"""Fill the rows of an array with the products of A with the first m directions.

    .. math:: Y = A \Omega

    One product for each row, independent of the others; parts of the sum A that are sampled apart
    add up. Memory: Y and one direction.

    Parameters
    ----------
    one_pass
        Multiplies by A.
    directions
        The columns of :math:`\Omega`.
    total
        Room for Y, as rows.
    progress
        Called as ``progress(done, total, message)``.

    Raises
    ------
    InputError
        A product is not finite.

    References
    ----------
    Halko, Martinsson, Tropp, SIAM Review 53 (2011), algorithm 4.1.
    """
    total[:] = 0

    def add(number: int, part: Vector) -> None:
        total[number] += part

    one_pass(directions, len(total), add, progress)
    _check_finite(total)
    return total


def sample_sketched(
    one_pass: OnePass,
    directions: Directions,
    count: int,
    sketch: Sketch,
    progress: ProgressCallback | None = None,
) -> Float[np.ndarray, "m s"]:
    r"""Return the same products, each kept only as sketched.

    .. math:: S Y = \sum_i S A_i \Omega

    for the terms of :math:`A = \sum_i A_i`. Memory: O(p + s m); a sketch for each term and row.
    """
    total = np.zeros((count, sketch.size))

    def add(number: int, part: Vector) -> None:
        total[number] += sketch(part)

    one_pass(directions, count, add, progress)
    _check_finite(total)
    return total


def sketched_range(sample: Float[np.ndarray, "m s"], sketch: Sketch, dtype: Any) -> SketchedBasis:
    """Return the sketched basis of what `sample_sketched` returned."""
    q, r = np.linalg.qr(sample.T)
    lengths = np.abs(np.diagonal(r))
    found = lengths > np.finfo(np.float64).eps * np.max(lengths, initial=0.0)
    return SketchedBasis(sketch, q.T[found].astype(dtype))


def nystrom_pairs(
    directions: Directions, sample: Float[np.ndarray, "m p"], path: Path | None = None
) -> NystromPairs:
    r"""Return the eigenpairs of the Nystrom approximation, which takes no additional product.

    .. math:: A \approx Y (\Omega^T Y)^{-1} Y^T

    The eigenvectors take the place of the sample, unless they have a file of their own. Pairs of
    the size of rounding errors are left out. Cost beside the products: O(m^2 p).

    Parameters
    ----------
    directions
        The columns of :math:`\Omega`.
    sample
        Y, as rows; an array that owns its memory.
    path
        A file for the eigenvectors.

    References
    ----------
    Tropp, Yurtsever, Udell, Cevher, NeurIPS (2017), algorithm 3; Halko, Martinsson, Tropp (2011),
    section 5.4.
    """
    count = len(sample)
    # A small multiple of the identity is added to A, so that rounding errors leave it positive.
    largest = max((float(np.linalg.norm(row)) for row in sample), default=0.0)
    shift = float(np.finfo(sample.dtype).eps) * largest
    core = np.zeros((count, count))
    for number in range(count):
        sample[number] += sample.dtype.type(shift) * directions(number)
    for start in range(0, count, DIRECTIONS_PER_BLOCK):
        block = range(start, min(start + DIRECTIONS_PER_BLOCK, count))
        core[block] = basis.inner(np.stack([directions(number) for number in block]), sample)
    factor = orthonormalise(sample)
    values, axes = np.linalg.eigh((core + core.T) / 2)
    found = values > np.finfo(np.float64).eps * count * max(values.max(initial=0.0), 0.0)
    root = factor @ (axes[:, found] / np.sqrt(values[found]))
    left, singular, _ = np.linalg.svd(root, full_matrices=False)
    found = singular**2 - shift > ROUNDING * shift
    kept = basis.rotate(sample, left[:, found].T, path)
    return NystromPairs(singular[found] ** 2 - shift, kept)


def orthonormalise(rows: Float[np.ndarray, "m p"]) -> Float[np.ndarray, "m m"]:
    r"""Orthonormalise rows in their place; return the matrix F with ``rows_before.T = rows.T @ F``.

    .. math:: Y Y^T = W D W^T, \qquad Q = D^{-1/2} W^T Y, \qquad F = D^{1/2} W^T

    twice, as the first time leaves what rounding makes of directions that are small beside others.
    Directions of the size of rounding errors become rows of zeros.

    References
    ----------
    Stathopoulos, Wu, SIAM J. Sci. Comput. 23 (2002), algorithm SVQB.
    """
    factor = np.eye(len(rows))
    for _ in range(2):
        squares, axes = np.linalg.eigh(basis.inner(rows, rows))
        least = np.finfo(rows.dtype).eps ** 2 * squares.max(initial=0.0)
        lengths = np.sqrt(np.where(squares > least, squares, 0))
        scale = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
        for start in range(0, rows.shape[1], basis.COLUMNS_PER_BLOCK):
            columns = slice(start, start + basis.COLUMNS_PER_BLOCK)
            rows[:, columns] = (axes * scale).T @ rows[:, columns].astype(float)
        factor = (axes * lengths).T @ factor
    return factor


def residuals(
    one_pass: OnePass,
    values: Float[np.ndarray, " k"],
    vectors: Float[np.ndarray, "k p"],
    progress: ProgressCallback | None = None,
) -> Float[np.ndarray, " k"]:
    r"""Return :math:`|A u - \lambda u|` for each pair, from one more pass."""
    images = sample_range(one_pass, vectors.__getitem__, np.empty_like(vectors), progress)
    for image, value, vector in zip(images, values, vectors, strict=True):
        image -= image.dtype.type(value) * vector
    return np.linalg.norm(images, axis=1)


def _check_finite(sample: np.ndarray) -> None:
    for number, row in enumerate(sample):
        if not np.isfinite(row).all():
            raise InputError(
                f"product number {number + 1} with the matrix is not finite; check the model's "
                "derivatives at the given parameters and images"
            )
