r"""Sketches, and Lanczos iteration that keeps its vectors only as sketched.

A sketch S maps vectors of length p to length s and keeps inner products on average,
:math:`E[S^T S] = I`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from scipy.fft import dct, next_fast_len

from slugkit.errors import InputError

Product = Callable[[np.ndarray], np.ndarray]
Progress = Callable[[int, int, str], None]

ENTRIES_PER_COLUMN = 8


class Sketch(Protocol):
    """A linear map from length p to length s."""

    def __call__(self, vectors: Any) -> np.ndarray:
        """Map vectors (..., p) to (..., s)."""
        ...

    def description(self) -> dict[str, Any]:
        """Return the arguments of `make_sketch` that make it again."""
        ...


def make_sketch(kind: str, length: int, size: int, seed: int) -> Sketch:
    """Return a sketch of the given kind, "srft" or "sparse", from length p to size s.

    Raises
    ------
    InputError
        The kind has another name, or the size is not between 1 and the length.
    """
    if kind not in ("srft", "sparse"):
        raise InputError(f"sketch is {kind!r}; choose 'srft' or 'sparse'")
    if not 1 <= size <= length:
        raise InputError(
            f"sketch_size is {size}; give a number from 1 to the number of parameters, {length}"
        )
    return SRFT(length, size, seed) if kind == "srft" else SparseSketch(length, size, seed)


class SRFT:
    r"""The subsampled randomised Fourier transform, with the orthogonal cosine transform.

    .. math:: S = \sqrt{q / s}\, R\, C\, D

    D flips signs at random and pads to a length q whose transform is fast, C is the orthogonal
    discrete cosine transform, and R takes s rows at random without replacement.

    References
    ----------
    Woolfe, Liberty, Rokhlin, Tygert, Appl. Comput. Harmon. Anal. 25 (2008); Tropp, Adv. Adapt.
    Data Anal. 3 (2011).

    Examples
    --------
    >>> sketch = SRFT(1000, 1000, seed=0)
    >>> vector = np.ones(1000, np.float32)
    >>> round(float(np.linalg.norm(sketch(vector)) ** 2))
    1000
    """

    def __init__(self, length: int, size: int, seed: int):
        random = np.random.default_rng(seed)
        self.length, self.size, self.seed = length, size, seed
        self.padded = next_fast_len(length, real=True)
        self._signs = random.integers(0, 2, length).astype(np.int8) * np.int8(2) - np.int8(1)
        self._rows = random.choice(self.padded, size, replace=False)

    def __call__(self, vectors: Any) -> np.ndarray:
        """Map vectors (..., p) to (..., s)."""
        vectors = np.asarray(vectors)
        if vectors.ndim > 1:
            return np.stack([self(vector) for vector in vectors])
        # SciPy's transform, since XLA's can lock up its own thread pool.
        mixed = dct(vectors * self._signs, n=self.padded, norm="ortho", workers=-1)
        scale = (self.padded / self.size) ** 0.5
        return vectors.dtype.type(scale) * mixed[self._rows]

    def description(self) -> dict[str, Any]:
        """Return the arguments of `make_sketch` that make it again."""
        return {"kind": "srft", "length": self.length, "size": self.size, "seed": self.seed}


class SparseSketch:
    """A sparse matrix with eight entries of +-1/sqrt(8) per column, in random rows.

    References
    ----------
    Kane, Nelson, J. ACM 61 (2014); Tropp, Yurtsever, Udell, Cevher, SIAM J. Sci. Comput. 41 (2019).
    """

    def __init__(self, length: int, size: int, seed: int):
        random = np.random.default_rng(seed)
        self.length, self.size, self.seed = length, size, seed
        count = min(ENTRIES_PER_COLUMN, size)
        # One row of each of eight blocks of rows, so that those of a column differ.
        edges = np.linspace(0, size, count + 1).astype(np.int32)
        self.rows = np.stack([random.integers(a, b, length, np.int32) for a, b in pairwise(edges)])
        self.signs = random.integers(0, 2, (count, length), np.int8) * np.int8(2) - np.int8(1)

    def __call__(self, vectors: Any) -> np.ndarray:
        """Map vectors (..., p) to (..., s)."""
        vectors = np.asarray(vectors)
        if vectors.ndim > 1:
            return np.stack([self(vector) for vector in vectors])
        total = np.zeros(self.size)
        for rows, signs in zip(self.rows, self.signs, strict=True):
            total += np.bincount(rows, signs * vectors, self.size)
        return (total / np.sqrt(len(self.rows))).astype(vectors.dtype)

    def description(self) -> dict[str, Any]:
        """Return the arguments of `make_sketch` that make it again."""
        return {"kind": "sparse", "length": self.length, "size": self.size, "seed": self.seed}


@dataclass(frozen=True)
class SketchedBasis:
    """An orthonormal basis of the sketched Krylov space."""

    sketch: Sketch
    rows: np.ndarray  # (r, s)

    def norm_inside(self, vectors: np.ndarray) -> np.ndarray:
        r"""Return :math:`|U_s^T S g|^2` for vectors g (m, p)."""
        return np.sum((self.sketch(vectors) @ self.rows.T) ** 2, axis=-1)


@dataclass(frozen=True)
class SketchedEigenpairs:
    """What a sketched Lanczos iteration keeps."""

    values: np.ndarray  # (m,) Ritz values, largest first; converged ones appear more than once
    residuals: np.ndarray  # (m,), as estimated from T
    basis: SketchedBasis
    num_products: int


def sketched_lanczos(
    product: Product,
    sketch: Sketch,
    num_products: int,
    *,
    length: int,
    seed: int,
    threshold: float = 1e-3,
    dtype: Any = np.float32,
    progress: Progress | None = None,
) -> SketchedEigenpairs:
    r"""Run the three-term Lanczos recurrence and keep each vector only as sketched.

    .. math:: \beta_{j+1} v_{j+1} = A v_j - \alpha_j v_j - \beta_j v_{j-1}, \qquad
              U_s = \mathrm{orth}(S v_1, \dots, S v_m)

    Takes O(p + s m) memory. Without reorthogonalisation the vectors repeat the directions of
    eigenpairs that have converged, so the sketched vectors are decomposed, and directions whose
    singular value is below the threshold (relative to the largest) are dropped.

    Parameters
    ----------
    product
        Maps a vector (p,) to A times it.
    sketch
        From length p to length s.
    num_products
        The number m of steps.
    length
        The number of rows p.
    seed
        For the first vector.
    threshold
        Of the singular values.
    dtype
        The type of the vectors.
    progress
        Called as ``progress(done, total, message)`` after each product.

    Raises
    ------
    InputError
        A product is not finite.

    References
    ----------
    Miani, Beretta, Hauberg, Sketched Lanczos Uncertainty Score: a low-memory summary of the Fisher
    information, NeurIPS 2024, algorithm 1.
    """
    random = np.random.default_rng(seed)
    vector = random.standard_normal((length,), np.float32).astype(dtype)
    vector /= np.linalg.norm(vector)
    previous, beta = np.zeros_like(vector), 0.0
    diagonal, beside, kept = [], [], []
    for step in range(num_products):
        kept.append(sketch(vector))
        image = np.asarray(product(vector)).astype(dtype)
        if not np.isfinite(image).all():
            raise InputError(
                f"product number {step + 1} with the matrix is not finite; check the model's "
                "derivatives at the given parameters and images"
            )
        image = image - beta * previous
        alpha = float(np.vdot(vector, image))
        image = image - alpha * vector
        beta = float(np.linalg.norm(image))
        diagonal.append(alpha)
        beside.append(beta)
        if progress is not None:
            progress(step + 1, num_products, "sketched Lanczos vectors")
        if beta <= 32 * float(np.finfo(dtype).eps) * max(map(abs, diagonal)):
            break
        previous, vector = vector, image / beta
    t = np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1)
    values, coordinates = np.linalg.eigh(t)
    _, singular, rows = np.linalg.svd(np.stack(kept), full_matrices=False)
    return SketchedEigenpairs(
        values[::-1],
        beside[-1] * np.abs(coordinates[-1, ::-1]),
        SketchedBasis(sketch, rows[singular > threshold * singular[0]]),
        len(kept),
    )
