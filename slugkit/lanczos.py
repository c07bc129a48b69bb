"""The leading eigenpairs of a symmetric matrix by Lanczos iteration, reorthogonalised twice."""

import os
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from slugkit.errors import InputError
from slugkit.files import atomic_path

Product = Callable[[np.ndarray], np.ndarray]
Progress = Callable[[int, int, str], None]

ROWS_PER_BLOCK = 16
COLUMNS_PER_BLOCK = 1 << 16
SECONDS_BETWEEN_CHECKPOINTS = 5.0


@dataclass(frozen=True)
class Eigenpairs:
    """The leading eigenpairs, largest first, and what is known about their quality."""

    values: np.ndarray  # (k,)
    vectors: np.ndarray  # (k, p), one eigenvector per row
    residuals: np.ndarray  # (k,), the norms |A u - l u|
    num_products: int
    converged: bool  # whether all residuals met the tolerance
    orthogonality: float  # the largest entry of |V V^T - I| over all Lanczos vectors
    asymmetry: float  # the largest entry of |T - T^T|, relative to the largest eigenvalue


def lanczos(
    product: Product,
    size: int,
    rank: int,
    *,
    seed: int,
    tolerance: float = 1e-2,
    max_products: int | None = None,
    dtype: Any = np.float32,
    checkpoint: str | os.PathLike[str] | None = None,
    digest: str = "",
    progress: Progress | None = None,
) -> Eigenpairs:
    r"""Return the leading eigenpairs of a symmetric positive semi-definite matrix.

    .. math:: A V = V T + r e_m^T, \qquad V^T V = I

    Each new vector is orthogonalised twice against all earlier ones, which keeps V orthogonal to
    machine precision. T holds the coefficients of both passes. Where the iteration breaks down
    (:math:`|r| = O(\epsilon) |A|`) it goes on with a random direction, so that eigenvalues of any
    multiplicity are found.

    Parameters
    ----------
    product
        Maps a vector (p,) to A times it.
    size
        The number of rows p.
    rank
        The number of eigenpairs k wanted.
    seed
        For the first vector.
    tolerance
        Stops as soon as the residual of each wanted pair is below this fraction of its eigenvalue
        (or at the level of the rounding errors).
    max_products
        Stops after so many products at the latest; 3 k + 20 by default.
    dtype
        The type of the vectors.
    checkpoint
        A file in which the state is kept; an interrupted call goes on from it and returns the same
        numbers.
    digest
        Identifies the matrix; a checkpoint of another one is refused.
    progress
        Called as ``progress(done, total, message)`` after each product.

    Raises
    ------
    InputError
        The rank is negative, or above the size or the rank of the matrix; the budget is below the
        rank; the products are not finite; or the checkpoint belongs to another matrix.

    References
    ----------
    Saad, Numerical Methods for Large Eigenvalue Problems, 2nd edition, section 6.6; "twice is
    enough": Giraud, Langou, Rozloznik, van den Eshof, Numer. Math. 101 (2005).

    Examples
    --------
    >>> diagonal = np.array([5.0, 3.0, 1.0, 0.5])
    >>> pairs = lanczos(lambda v: diagonal * v, 4, 2, seed=0, dtype=np.float64)
    >>> pairs.values.round(6)
    array([5., 3.])
    """
    budget = min(size, 3 * rank + 20 if max_products is None else max_products)
    _check(rank, size, budget)
    if rank == 0:
        empty = np.zeros(0, dtype)
        return Eigenpairs(empty, np.zeros((0, size), dtype), empty, 0, True, 0.0, 0.0)

    state = _State(product, size, budget, seed, dtype, f"{digest}:{size}:{seed}:{np.dtype(dtype)}")
    store = None if checkpoint is None else _Checkpoint(Path(checkpoint), state)
    while not state.finished(rank, tolerance):
        state.step()
        if store is not None:
            store.save_if_due()
        if progress is not None:
            progress(state.done, budget, f"Lanczos vector {state.done} for {rank} eigenpairs")
    pairs = state.eigenpairs(rank, tolerance)
    if store is not None:
        store.save()
    return pairs


class _State:
    """The Lanczos vectors and their coefficients after `done` products."""

    def __init__(
        self, product: Product, size: int, budget: int, seed: int, dtype: Any, identity: str
    ):
        self.product, self.seed, self.identity = product, seed, identity
        self.basis = np.empty((budget, size), dtype)
        self.coefficients = np.zeros((budget, budget))  # T, measured
        self.next_norm = 0.0  # the norm of r
        self.done = 0
        self.exhausted = False
        self.epsilon = float(np.finfo(dtype).eps)
        self.basis[0] = self._random_direction(0)

    def step(self) -> None:
        """Multiply the newest vector and add the next one to the basis."""
        j = self.done
        image = np.array(self.product(self.basis[j]), dtype=self.basis.dtype)
        if not np.isfinite(image).all():
            raise InputError(
                f"the product number {j + 1} with the matrix is not finite; check the model's "
                "derivatives at the given parameters and images"
            )
        remainder, self.coefficients[: j + 1, j] = orthogonalise(image, self.basis[: j + 1])
        self.done = j + 1
        self.next_norm = float(np.linalg.norm(remainder))
        if self.next_norm <= self._rounding():
            # The Krylov space is invariant. If even this vector, which then was random, is mapped
            # to nothing, all of the range has been found.
            self.exhausted = float(np.linalg.norm(image)) <= self._rounding()
            self.next_norm = 0.0
        if self.done == len(self.basis):
            return
        self.coefficients[j + 1, j] = self.next_norm
        if self.next_norm > 0:
            self.basis[j + 1] = remainder / self.next_norm
        else:
            self.basis[j + 1] = self._random_direction(j + 1)

    def _rounding(self) -> float:
        return 32 * self.epsilon * max(float(np.abs(self.coefficients).max()), 1e-300)

    def _random_direction(self, j: int) -> np.ndarray:
        vector = np.random.default_rng([self.seed, j]).standard_normal(self.basis.shape[1])
        vector, _ = orthogonalise(vector.astype(self.basis.dtype), self.basis[:j])
        return vector / np.linalg.norm(vector)

    def ritz(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return all Ritz values, largest first, their coordinates in V, and residuals."""
        t = self.coefficients[: self.done, : self.done]
        values, coordinates = np.linalg.eigh((t + t.T) / 2)
        values, coordinates = values[::-1], coordinates[:, ::-1]
        return values, coordinates, self.next_norm * np.abs(coordinates[-1])

    def finished(self, rank: int, tolerance: float) -> bool:
        """Say whether the wanted pairs are found, or nothing more can be done."""
        if self.exhausted or self.done == len(self.basis):
            return True
        # Not after every step, since each test decomposes T.
        due = self.done >= rank and (self.done - rank) % max(1, rank // 10) == 0
        return due and self.converged(rank, tolerance)

    def converged(self, rank: int, tolerance: float) -> bool:
        """Say whether the residuals of the wanted pairs meet the tolerance."""
        if self.exhausted or self.done == self.basis.shape[1]:
            return True
        # After a breakdown all residuals vanish, though a copy of an eigenvalue may be missing.
        if self.next_norm == 0.0:
            return False
        values, _, residuals = self.ritz()
        goal = np.maximum(tolerance * np.abs(values), 32 * self.epsilon * np.abs(values[0]))
        return bool((residuals <= goal)[:rank].all())

    def eigenpairs(self, rank: int, tolerance: float) -> Eigenpairs:
        """Return the wanted Ritz pairs and the measured quality of the factorisation."""
        values, coordinates, residuals = self.ritz()
        found = int((values > self._rounding()).sum())
        if found < rank and (self.exhausted or self.done == self.basis.shape[1]):
            raise InputError(
                f"rank is {rank}, but the matrix has only {found} eigenvalues above rounding "
                f"errors; ask for rank={found} or give more images"
            )
        basis, t = self.basis[: self.done], self.coefficients[: self.done, : self.done]
        return Eigenpairs(
            values[:rank],
            _rotate(basis, coordinates[:, :rank]),
            residuals[:rank],
            self.done,
            self.converged(rank, tolerance),
            float(np.abs(_gram(basis) - np.eye(self.done)).max()),
            float(np.abs(t - t.T).max() / values[0]),
        )


class _Checkpoint:
    """Keeps a state in a file that is always whole, at most every few seconds."""

    def __init__(self, path: Path, state: _State):
        self.path, self.state = path, state
        self.pause, self.last = SECONDS_BETWEEN_CHECKPOINTS, time.monotonic()
        if path.exists():
            self._restore()

    def save_if_due(self) -> None:
        if time.monotonic() - self.last >= self.pause:
            self.save()

    def save(self) -> None:
        begin, state = time.monotonic(), self.state
        rows = min(state.done + 1, len(state.basis))
        with atomic_path(self.path) as partial, partial.open("wb") as stream:
            np.savez(
                stream,
                identity=state.identity,
                basis=state.basis[:rows],
                coefficients=state.coefficients[:rows, : state.done],
                next_norm=state.next_norm,
                exhausted=state.exhausted,
            )
        # Writing never takes more than a twentieth of the time.
        self.last = time.monotonic()
        self.pause = max(SECONDS_BETWEEN_CHECKPOINTS, 20 * (self.last - begin))

    def _restore(self) -> None:
        state = self.state
        try:
            with self.path.open("rb") as stream, np.load(stream, allow_pickle=False) as saved:
                identity = str(saved["identity"])
                basis, coefficients = saved["basis"], saved["coefficients"]
                next_norm, exhausted = float(saved["next_norm"]), bool(saved["exhausted"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(
                f"the checkpoint {self.path} cannot be read ({error}); delete it to begin anew"
            ) from error
        if identity != state.identity:
            raise InputError(
                f"the checkpoint {self.path} belongs to other parameters, images or options; "
                "delete it or give another path"
            )
        if coefficients.shape[1] > len(state.basis):
            raise InputError(
                f"the checkpoint {self.path} has {coefficients.shape[1]} products, more than "
                f"max_products={len(state.basis)}; raise max_products"
            )
        rows = min(len(basis), len(state.basis))
        state.basis[:rows] = basis[:rows]
        state.done = coefficients.shape[1]
        state.coefficients[:rows, : state.done] = coefficients[:rows]
        state.next_norm, state.exhausted = next_norm, exhausted


def orthogonalise(vector: np.ndarray, basis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return v - V V^T v, computed twice over, and the coefficients V^T v (in float64)."""
    coefficients = np.zeros(len(basis))
    for _ in range(2):
        for start in range(0, len(basis), ROWS_PER_BLOCK):
            block = basis[start : start + ROWS_PER_BLOCK]
            part = block @ vector
            vector = vector - part @ block
            coefficients[start : start + ROWS_PER_BLOCK] += part
    return vector, coefficients


def _rotate(basis: np.ndarray, coordinates: np.ndarray) -> np.ndarray:
    """Return S^T V for V of shape (m, p), a block of columns at a time."""
    rotation = coordinates.T.astype(basis.dtype)
    rotated = np.empty((len(rotation), basis.shape[1]), basis.dtype)
    for start in range(0, basis.shape[1], COLUMNS_PER_BLOCK):
        columns = slice(start, start + COLUMNS_PER_BLOCK)
        rotated[:, columns] = rotation @ basis[:, columns]
    return rotated


def _gram(basis: np.ndarray) -> np.ndarray:
    """Return V V^T for V of shape (m, p)."""
    return basis @ basis.T


def _check(rank: int, size: int, budget: int) -> None:
    if rank < 0 or rank > size:
        raise InputError(
            f"rank is {rank}; give a number from 0 (no deflation) to the number of parameters, "
            f"{size}"
        )
    if budget < rank:
        raise InputError(f"max_products is {budget}; give at least the rank, {rank}")
