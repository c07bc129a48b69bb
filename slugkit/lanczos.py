"""The leading eigenpairs of a symmetric matrix by Lanczos iteration, reorthogonalised twice."""

import os
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from slugkit import basis as rows
from slugkit.errors import InputError
from slugkit.files import atomic_path

Product = Callable[[np.ndarray], np.ndarray]
Progress = Callable[[int, int, str], None]

SECONDS_BETWEEN_CHECKPOINTS = 5.0
# A random direction that is multiplied so many times shows whether an eigenvalue was missed.
PRODUCTS_TO_VERIFY = 6
# Numbers below so many units of rounding, relative to the largest eigenvalue, count as zero.
ROUNDING = 32


@dataclass(frozen=True)
class Eigenpairs:
    """The leading eigenpairs, largest first, and what is known about their quality."""

    values: np.ndarray  # (k,)
    vectors: np.ndarray  # (k, p), one eigenvector per row
    further: np.ndarray  # (m, p), the next Ritz vectors, which have not converged
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
    num_further: int = 0,
    dtype: Any = np.float32,
    basis_dtype: Any = None,
    basis_path: str | os.PathLike[str] | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    digest: str = "",
    progress: Progress | None = None,
) -> Eigenpairs:
    r"""Return the leading eigenpairs of a symmetric positive semi-definite matrix.

    .. math:: A V = V T + R, \qquad V^T V = I, \quad V^T R = 0

    Each new vector is orthogonalised twice against all earlier ones, which keeps V orthogonal to
    machine precision. T holds the coefficients that were removed, so the factorisation holds
    whatever the rounding errors.

    A single starting vector meets each eigenvalue once, however often it occurs; a linear last
    layer repeats them once per colour. So when the wanted pairs have converged, a random direction
    joins the iteration, which from then on has blocks of two vectors, and so on until a further
    direction brings no change within a few products: that finds three copies, not always four.

    Parameters
    ----------
    product
        Maps a vector (p,) to A times it.
    size
        The number of rows p.
    rank
        The number of eigenpairs k wanted.
    seed
        For the random directions.
    tolerance
        Stops as soon as the residual of each wanted pair is below this fraction of its eigenvalue
        (or at the level of the rounding errors).
    max_products
        Stops after so many products at the latest; 3 k + 20 by default.
    num_further
        Return so many further Ritz vectors, or as many as there are: an orthonormal basis of what
        comes next, free of charge.
    dtype
        The type of the vectors that are multiplied.
    basis_dtype
        The type in which V is kept, the same by default; bfloat16 takes half the memory.
    basis_path
        A file that holds the eigenvectors instead of the memory. V lies beside it, in a file that
        ends in ".lanczos", which is removed at the end, or stays as long as there is a checkpoint.
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
        rank; the products are not finite; a file cannot be written or belongs to another matrix.

    References
    ----------
    Saad, Numerical Methods for Large Eigenvalue Problems, 2nd edition, section 6.6; for blocks
    whose size changes: Ruhe, Math. Comp. 33 (1979); "twice is enough": Giraud, Langou, Rozloznik,
    van den Eshof, Numer. Math. 101 (2005).

    Examples
    --------
    >>> diagonal = np.array([5.0, 5.0, 3.0, 1.0, 0.5])
    >>> pairs = lanczos(lambda v: diagonal * v, 5, 3, seed=0, dtype=np.float64)
    >>> pairs.values.round(6)
    array([5., 5., 3.])
    """
    budget = min(size, 3 * rank + 20 if max_products is None else max_products)
    _check(rank, size, budget)
    if rank == 0:
        empty = np.zeros(0, dtype)
        none = np.zeros((0, size), dtype)
        return Eigenpairs(empty, none, none, empty, 0, True, 0.0, 0.0)

    kind = jnp.dtype(dtype if basis_dtype is None else basis_dtype)
    resumed = checkpoint is not None and Path(checkpoint).exists()
    final = None if basis_path is None else Path(basis_path)
    scratch = None if final is None else final.with_name(final.name + ".lanczos")
    basis = rows.allocate(budget, size, kind, scratch, keep=resumed)
    iteration = _Iteration(product, basis, rank, tolerance, seed, np.dtype(dtype))
    store = None
    if checkpoint is not None:
        identity = f"{digest}:{size}:{rank}:{tolerance}:{seed}:{np.dtype(dtype)}:{kind}"
        store = _Checkpoint(Path(checkpoint), iteration, identity, scratch is None)
    while not iteration.finished():
        iteration.step()
        if store is not None:
            store.save_if_due()
        if progress is not None:
            progress(iteration.done, budget, f"Lanczos vectors for {rank} eigenpairs")
    if store is not None:
        store.save()
    pairs = iteration.eigenpairs(num_further, final)
    if scratch is not None and store is None:
        scratch.unlink()
    return pairs


class _Iteration:
    """The Lanczos vectors V, their coefficients T, and the candidates for the next vectors."""

    def __init__(
        self,
        product: Product,
        basis: np.ndarray,
        rank: int,
        tolerance: float,
        seed: int,
        dtype: np.dtype,
    ):
        self.product, self.basis = product, basis
        self.rank, self.tolerance, self.seed, self.dtype = rank, tolerance, seed, dtype
        self.budget, self.size = basis.shape
        self.coefficients = np.zeros((self.budget, self.budget))  # T
        self.done = 0  # products so far
        # What remains of A v_j outside the basis, with its j, in the order of their making. A
        # random direction has j = -1.
        self.candidates = [(-1, self._random_direction())]
        self.verified_from = 0  # the product at which the last random direction joined, if any
        self.verified_values = np.zeros(0)  # the eigenvalues at that time
        self.exhausted = False

    def step(self) -> None:
        """Turn the oldest candidate into a Lanczos vector and multiply it."""
        j = self.done
        self._append_vector()
        image = np.array(self.product(self.basis[j].astype(self.dtype)), dtype=self.dtype)
        if not np.isfinite(image).all():
            raise InputError(
                f"product number {j + 1} with the matrix is not finite; check the model's "
                "derivatives at the given parameters and images"
            )
        remainder, removed = rows.orthogonalise(image, self.basis[: j + 1])
        self.coefficients[: j + 1, j] = removed
        self.done = j + 1
        # Only a random vector outside of an invariant space can be mapped to nothing, and then all
        # of the range of A is found.
        self.exhausted = float(np.linalg.norm(image)) <= self._rounding()
        self.candidates.append((j, remainder))
        if self.rank <= self.done < self.budget and self._due() and self._small_residuals():
            self._verify()

    def _append_vector(self) -> None:
        """Orthogonalise the oldest candidate once more and append it to the basis."""
        while True:
            if not self.candidates:
                self.candidates.append((-1, self._random_direction()))
            source, vector = self.candidates.pop(0)
            # The vectors since the candidate was made were not yet taken out of it.
            newer = self.done - 1 - source if source >= 0 else 0
            for _ in range(2 if newer > 0 else 1):
                vector = self._orthogonalise(source, vector)
            norm = float(np.linalg.norm(vector))
            if source < 0 or norm > self._rounding():
                break
        self.basis[self.done] = vector / norm
        if source >= 0:
            self.coefficients[self.done, source] = norm

    def _orthogonalise(self, source: int, vector: np.ndarray) -> np.ndarray:
        """Take the basis out of a candidate and note how much was removed."""
        vector, removed = rows.orthogonalise(vector, self.basis[: self.done])
        if source >= 0:
            self.coefficients[: self.done, source] += removed
        return vector

    def _random_direction(self) -> np.ndarray:
        """Return a random unit vector, orthogonal to the basis up to one more pass."""
        random = np.random.default_rng([self.seed, self.done])
        vector = random.standard_normal((self.size,), np.float32).astype(self.dtype)
        vector, _ = rows.orthogonalise(vector, self.basis[: self.done])
        return vector / np.linalg.norm(vector)

    def _rounding(self) -> float:
        largest = float(np.abs(self.coefficients[: self.done + 1]).max())
        return ROUNDING * float(np.finfo(self.dtype).eps) * max(largest, 1e-30)

    def ritz(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return all Ritz values, largest first, their coordinates in V, and residuals."""
        t = self.coefficients[: self.done, : self.done]
        # Column j knows the vectors up to j; some of the later ones only follow by symmetry.
        upper = np.triu(t)
        values, coordinates = np.linalg.eigh(upper + np.triu(t, 1).T)
        values, coordinates = values[::-1], coordinates[:, ::-1]
        left = [(source, vector) for source, vector in self.candidates if source >= 0]
        if not left:
            return values, coordinates, np.zeros_like(values)
        weights = coordinates[[source for source, _ in left]]
        gram = np.array([[np.vdot(a, b) for _, a in left] for _, b in left], np.float64)
        squares = np.einsum("ik,ij,jk->k", weights, gram, weights)
        return values, coordinates, np.sqrt(np.maximum(squares, 0))

    def finished(self) -> bool:
        """Say whether the wanted pairs are found and verified, or the products are used up."""
        if self.exhausted or self.done == self.budget:
            return True
        waited = self.verified_from > 0 and self.done >= self.verified_from + PRODUCTS_TO_VERIFY
        return waited and self._small_residuals() and not self._changed()

    def converged(self) -> bool:
        """Say whether the residuals of the wanted pairs meet the tolerance."""
        return self.exhausted or self.done == self.size or self._small_residuals()

    def _small_residuals(self) -> bool:
        values, _, residuals = self.ritz()
        values, residuals = values[: self.rank], residuals[: self.rank]
        return bool((residuals <= np.maximum(self.tolerance * values, self._rounding())).all())

    def _due(self) -> bool:
        """Say whether to look at the residuals now; not after every step, as that takes time."""
        return (self.done - self.rank) % max(1, self.rank // 10) == 0

    def _changed(self) -> bool:
        """Say whether the eigenvalues have changed since the last random direction joined."""
        change = np.abs(self.ritz()[0][: self.rank] - self.verified_values)
        return bool((change > np.maximum(self.tolerance * self.verified_values, 0)).any())

    def _verify(self) -> None:
        """Let a random direction join, unless one was added just now or brought no change."""
        if self.verified_from > 0:
            waited = self.done >= self.verified_from + PRODUCTS_TO_VERIFY
            if not (waited and self._changed()):
                return
        self.candidates.append((-1, self._random_direction()))
        self.verified_from = self.done
        self.verified_values = self.ritz()[0][: self.rank]

    def eigenpairs(self, num_further: int, path: Path | None) -> Eigenpairs:
        """Return the wanted Ritz pairs and the measured quality of the factorisation.

        The eigenvectors take the place of the Lanczos vectors, or lie in a file of their own.
        """
        basis, t = self.basis[: self.done], self.coefficients[: self.done, : self.done]
        converged = self.converged()
        for i, (source, vector) in enumerate(self.candidates):
            self.candidates[i] = (source, self._orthogonalise(source, vector))
        values, coordinates, residuals = self.ritz()
        found = int((values > self._rounding()).sum())
        if found < self.rank and (self.exhausted or self.done == self.size):
            raise InputError(
                f"rank is {self.rank}, but the matrix has only {found} eigenvalues above rounding "
                f"errors; ask for rank={found} or give more images"
            )
        orthogonality = float(np.abs(rows.gram(basis) - np.eye(self.done)).max())
        kept = rows.rotate(self.basis, coordinates[:, : self.rank + num_further].T, path)
        return Eigenpairs(
            values[: self.rank],
            kept[: self.rank],
            kept[self.rank :],
            residuals[: self.rank],
            self.done,
            converged,
            orthogonality,
            float(np.abs(t - t.T).max() / values[0]),
        )


class _Checkpoint:
    """Keeps an iteration in a file that is always whole, saved every few seconds."""

    def __init__(self, path: Path, iteration: _Iteration, identity: str, with_basis: bool):
        self.path, self.iteration = path, iteration
        self.identity, self.with_basis = identity, with_basis
        self.pause, self.last = SECONDS_BETWEEN_CHECKPOINTS, time.monotonic()
        if path.exists():
            self._restore()

    def save_if_due(self) -> None:
        if time.monotonic() - self.last >= self.pause:
            self.save()

    def save(self) -> None:
        begin, state = time.monotonic(), self.iteration
        arrays: dict[str, Any] = {
            "identity": self.identity,
            "coefficients": state.coefficients[: state.done + 1, : state.done],
            "sources": [source for source, _ in state.candidates],
            "candidates": [vector for _, vector in state.candidates],
            "verified_from": state.verified_from,
            "verified_values": state.verified_values,
            "exhausted": state.exhausted,
        }
        if self.with_basis:
            # As bytes, since NumPy's files know no bfloat16.
            arrays["basis"] = state.basis[: state.done].view(np.uint8)
        with atomic_path(self.path) as partial, partial.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)
        # Writing never takes more than a twentieth of the time.
        self.last = time.monotonic()
        self.pause = max(SECONDS_BETWEEN_CHECKPOINTS, 20 * (self.last - begin))

    def _restore(self) -> None:
        try:
            with (
                self.path.open("rb") as stream,
                np.load(stream, allow_pickle=False) as archive,
            ):
                saved = dict(archive)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(
                f"the checkpoint {self.path} cannot be read ({error}); delete it to begin anew"
            ) from error
        if str(saved.get("identity")) != self.identity:
            raise InputError(
                f"the checkpoint {self.path} belongs to other parameters, images or options; "
                "delete it or give another path"
            )
        state, done = self.iteration, saved["coefficients"].shape[1]
        if done > state.budget:
            raise InputError(
                f"the checkpoint {self.path} has {done} products, more than "
                f"max_products={state.budget}; raise max_products"
            )
        state.done = done
        held = min(done + 1, state.budget)
        state.coefficients[:held, :done] = saved["coefficients"][:held]
        state.candidates = [
            (int(source), vector)
            for source, vector in zip(saved["sources"], saved["candidates"], strict=True)
        ]
        state.verified_from = int(saved["verified_from"])
        state.verified_values = saved["verified_values"]
        state.exhausted = bool(saved["exhausted"])
        if self.with_basis:
            state.basis[:done] = saved["basis"].view(state.basis.dtype)


def _check(rank: int, size: int, budget: int) -> None:
    if rank < 0 or rank > size:
        raise InputError(
            f"rank is {rank}; give a number from 0 (no deflation) to the number of parameters, "
            f"{size}"
        )
    if budget < rank:
        raise InputError(f"max_products is {budget}; give at least the rank, {rank}")
