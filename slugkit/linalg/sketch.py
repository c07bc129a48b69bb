r"""Sketches: random maps of vectors of length p to length s that keep inner products on average.

.. math:: E[S^T S] = I
"""

import math
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from jaxtyping import Float
from scipy.fft import dct, next_fast_len

from slugkit.errors import InputError

ENTRIES_PER_COLUMN = 8


class Sketch(Protocol):
    """A linear map from length p to length s."""

    size: int  # s
    # Of how many rows the s are drawn without replacement; infinite where they are independent.
    population: float

    def __call__(self, vectors: Float[Any, "... p"]) -> Float[np.ndarray, "... s"]:
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


def sketch_for(
    directions: int,
    length: int,
    *,
    kind: str,
    size: int | None,
    relative_error: float,
    seed: int,
) -> Sketch:
    r"""Return a sketch in which so many directions are to be taken out of other vectors.

    .. math:: s = m + \lceil 2 / \epsilon^2 \rceil

    is its size unless one is given: what is outside of m directions then has a squared length with
    the relative standard deviation :math:`\epsilon`, whatever the length p; see
    `slugkit.linalg.sketched_basis.SketchedBasis.relative_variance`.

    >>> sketch_for(50, 100_000, kind="srft", size=None, relative_error=0.05, seed=0).size
    850

    Raises
    ------
    InputError
        The relative error is not between 0 and 1, the size is not above the number of directions,
        or as for `make_sketch`.
    """
    if not 0 < relative_error < 1:
        raise InputError(
            f"relative_error is {relative_error}; give a fraction between 0 and 1, such as 0.05"
        )
    wanted = directions + math.ceil(2 / relative_error**2)
    sketch = make_sketch(kind, length, min(wanted, length) if size is None else size, seed)
    if sketch.size <= directions:
        raise InputError(
            f"a sketch of size {sketch.size} leaves nothing outside of {directions} directions; "
            f"give sketch_size={wanted} for an error of {relative_error:.0%}, or a smaller rank"
        )
    return sketch


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
        self.population = float(self.padded)
        self._signs = random.integers(0, 2, length).astype(np.int8) * np.int8(2) - np.int8(1)
        self._rows = random.choice(self.padded, size, replace=False)

    def __call__(self, vectors: Float[Any, "... p"]) -> Float[np.ndarray, "... s"]:
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
        self.population = math.inf
        count = min(ENTRIES_PER_COLUMN, size)
        # One row of each of eight blocks of rows, so that those of a column differ.
        edges = np.linspace(0, size, count + 1).astype(np.int32)
        self.rows = np.stack([random.integers(a, b, length, np.int32) for a, b in pairwise(edges)])
        self.signs = random.integers(0, 2, (count, length), np.int8) * np.int8(2) - np.int8(1)

    def __call__(self, vectors: Float[Any, "... p"]) -> Float[np.ndarray, "... s"]:
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
