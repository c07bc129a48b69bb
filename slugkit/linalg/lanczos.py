"""The leading eigenpairs of a symmetric matrix by Lanczos iteration, reorthogonalised twice."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from slugkit.errors import InputError
from slugkit.linalg import basis as rows
from slugkit.linalg import bounds
from slugkit.linalg.checkpoint import Checkpoint
from slugkit.linalg.recurrence import ROUNDING, Product, Tridiagonal, multiply
from slugkit.progress import ProgressCallback

# The closer the largest eigenvalue outside of V is to the smallest wanted one, the less a step of
# the verification shows. Above this fraction of it the verification begins anew, outside of what it
# has found, if it has taken so many steps; twice as many each time, as it may be the same again.
CLOSE = 0.9
STEPS_IF_CLOSE = 4
# A cluster is so far from other eigenvalues, relative to its own.
DISTANCE = 0.1


@dataclass(frozen=True)
class Eigenpairs:
    """The leading eigenpairs, largest first, and what is known about their quality.

    The i-th eigenvalue of the matrix lies between ``values[i]`` and ``upper[i]``, for all i at
    once, but for the failure probability that was asked for and for rounding errors.
    """

    values: Float[np.ndarray, " k"]
    vectors: Float[np.ndarray, "k p"]  # one eigenvector per row
    extra_vectors: Float[np.ndarray, "m p"]  # the next Ritz vectors, which have not converged
    residuals: Float[np.ndarray, " k"]  # the norms |A u - l u|
    upper: Float[np.ndarray, " k"]  # infinite where the products ended before the verification
    num_products: int
    # Whether all residuals, and all upper bounds less the values, meet the tolerance.
    converged: bool
    # The Ritz value that comes next, and its residual; not numbers where there is none.
    following: float = float("nan")
    following_residual: float = float("nan")


def lanczos(
    product: Product,
    size: int,
    rank: int,
    *,
    seed: int,
    tolerance: float = 1e-2,
    failure_probability: float = 1e-4,
    max_products: int | None = None,
    num_extra: int = 0,
    dtype: Any = np.float32,
    basis_dtype: Any = None,
    basis_path: str | os.PathLike[str] | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    digest: str = "",
    progress: ProgressCallback | None = None,
) -> Eigenpairs:
    r"""Return the leading eigenpairs of a symmetric positive semi-definite matrix.

    .. math:: A V = V T + R, \qquad V^T V = I, \quad V^T R = 0

    Each new vector is orthogonalised twice against all earlier ones, which keeps V orthogonal to
    machine precision. T holds the coefficients that were removed, so the factorisation holds
    whatever the rounding errors.

    A single starting vector meets each eigenvalue once, however often it occurs, and may miss some
    where they are crowded: small residuals do not show that the pairs are the leading ones. So when
    the wanted pairs have small residuals, a random direction starts a Lanczos iteration of its own
    outside of V, the chain, until it bounds what lies there (see `bounds`). If it finds more
    instead, what remains of it takes turns with the older remainder, as in a block iteration, until
    the residuals are small again, and another chain begins. So it does where the last pairs are
    equal, to see whether the rank cuts a cluster of them.

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
        Stops as soon as the residual of each wanted pair, and the difference between its value and
        the upper bound, is below this fraction of the value (or at the level of rounding errors).
    failure_probability
        The upper bounds are wrong with at most this probability; a tenth of it costs about one
        product more.
    max_products
        The largest number of products; 3 k + 20 by default.
    num_extra
        The number of extra Ritz vectors to return, or as many as there are: an orthonormal
        basis of what comes next, free of charge.
    dtype
        The type of the vectors that are multiplied.
    basis_dtype
        The type in which V is kept, the same by default; bfloat16 takes half the memory.
    basis_path
        A file that holds the eigenvectors instead of the memory. V is beside it, in a file that
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
        return Eigenpairs(empty, none, none, empty, empty, 0, True)

    kind = jnp.dtype(dtype if basis_dtype is None else basis_dtype)
    resumed = checkpoint is not None and Path(checkpoint).exists()
    final = None if basis_path is None else Path(basis_path)
    scratch = None if final is None else final.with_name(final.name + ".lanczos")
    basis = rows.allocate(budget, size, kind, scratch, keep=resumed)
    iteration = _Iteration(
        product, basis, rank, tolerance, failure_probability, seed, np.dtype(dtype)
    )
    store = None
    if checkpoint is not None:
        options = f"{rank}:{tolerance}:{failure_probability}:{seed}:{np.dtype(dtype)}:{kind}"
        store = Checkpoint(Path(checkpoint), f"{digest}:{size}:{options}")
        iteration.restore(store.read(), store.path)
    while not iteration.finished():
        iteration.step()
        if store is not None and store.due():
            store.save(iteration.state(with_basis=scratch is None))
        if progress is not None:
            progress(iteration.done, budget, f"Lanczos vectors for {rank} eigenpairs")
    if store is not None:
        store.save(iteration.state(with_basis=scratch is None))
    pairs = iteration.eigenpairs(num_extra, final)
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
        failure_probability: float,
        seed: int,
        dtype: np.dtype,
    ):
        self.product, self.basis = product, basis
        self.rank, self.tolerance, self.seed, self.dtype = rank, tolerance, seed, dtype
        self.failure_probability = failure_probability
        self.budget, self.size = basis.shape
        self.coefficients = np.zeros((self.budget, self.budget))  # T
        self.done = 0  # products so far
        # What remains of A v_j outside the basis, with its j, in the order of their making. A
        # random direction has j = -1.
        self.candidates: list[tuple[int, np.ndarray]] = []
        self.outside = np.inf  # a bound on the eigenvalues of A as seen outside of the basis
        self.chain_start: int | None = None  # the size of the basis when the present chain began
        self.chain_norm = 0.0  # of its random vector
        self.num_chains = 0
        self.converged = False

    def step(self) -> None:
        """Turn a candidate into a Lanczos vector, multiply it, and see what is known now."""
        j = self.done
        self._append_vector()
        image = multiply(self.product, self.basis[j].astype(self.dtype), j + 1)
        remainder, removed = rows.orthogonalise(image, self.basis[: j + 1])
        self.coefficients[: j + 1, j] = removed
        self.candidates.append((j, remainder))
        self.done = j + 1
        if self.done == self.size:
            self.candidates, self.outside = [], 0.0  # nothing is outside
        if self.done >= self.rank and self._due():
            self._decide()

    def _append_vector(self) -> None:
        """Orthogonalise a candidate once more and append it to the basis.

        A chain goes on from its own remainder, the newest. Otherwise the oldest has its turn, as in
        a block iteration with as many vectors as there are candidates.
        """
        while True:
            if not self.candidates:
                self.candidates.append((-1, self._random_direction()[0]))
            in_chain = self.chain_start is not None
            source, vector = self.candidates.pop(-1 if in_chain else 0)
            before, norm = np.inf, float(np.linalg.norm(vector))
            while norm < before / 2:
                vector, removed = rows.orthogonalise(vector, self.basis[: self.done])
                before, norm = norm, float(np.linalg.norm(vector))
                if source >= 0:
                    self.coefficients[: self.done, source] += removed
            # The bound needs the chain as it is: a remainder of the size of rounding errors may
            # hold a direction of which the random vector had little.
            if source < 0 or norm > (0 if in_chain else self._rounding()):
                break
            self.chain_start = None
        self.basis[self.done] = vector / norm
        if source >= 0:
            self.coefficients[self.done, source] = norm
        self._take_out_of_candidates(self.basis[self.done].astype(self.dtype))

    def _take_out_of_candidates(self, vector: np.ndarray) -> None:
        """Keep what waits orthogonal to the basis, so that residuals are those of the pairs."""
        for i, (source, waiting) in enumerate(self.candidates):
            along = np.vdot(vector, waiting)
            self.candidates[i] = source, waiting - along * vector
            self.coefficients[self.done, source] += along

    def _random_direction(self) -> tuple[np.ndarray, float]:
        """Return a random vector outside of the basis as a direction and a length.

        Before the basis was taken out its components were independent standard normal numbers.
        """
        random = np.random.default_rng([self.seed, self.done])
        vector = random.standard_normal((self.size,), np.float32).astype(self.dtype)
        vector, _ = rows.orthogonalise(vector, self.basis[: self.done])
        length = float(np.linalg.norm(vector))
        return vector / length, length

    def _rounding(self) -> float:
        largest = float(np.abs(self.coefficients[: self.done + 1]).max())
        return ROUNDING * float(np.finfo(self.dtype).eps) * max(largest, 1e-30)

    def projected(self) -> Float[np.ndarray, "j j"]:
        """Return T. Column j knows the vectors up to j; the later ones follow by symmetry."""
        t = self.coefficients[: self.done, : self.done]
        return np.triu(t) + np.triu(t, 1).T

    def remainder(self) -> Float[np.ndarray, "b j"]:
        """Return R in an orthonormal basis of its range."""
        if not self.candidates:
            return np.zeros((0, self.done))
        vectors = [vector for _, vector in self.candidates]
        gram = np.array([[np.vdot(a, b) for b in vectors] for a in vectors], np.float64)
        squares, axes = np.linalg.eigh(gram)
        remainder = np.zeros((len(vectors), self.done))
        remainder[:, [source for source, _ in self.candidates]] = (
            axes * np.sqrt(np.maximum(squares, 0))
        ).T
        return remainder

    def finished(self) -> bool:
        """Say whether the wanted pairs are found and verified, or the products are used up."""
        return self.converged or self.done == self.budget

    def _due(self) -> bool:
        """Say whether to look at the residuals now; in a search not often, as that takes time."""
        every = max(1, self.rank // 10) if self.chain_start is None else 1
        return (self.done - self.rank) % every == 0 or self.done == self.budget

    def _decide(self) -> None:
        """Say whether all is known, and begin or end a chain."""
        projected, remainder = self.projected(), self.remainder()
        all_values, _, all_residuals = ritz(projected, remainder)
        values, residuals = all_values[: self.rank], all_residuals[: self.rank]
        allowed = np.maximum(self.tolerance * values, self._rounding())

        def enough(outside: float) -> bool:
            upper = bounds.upper(projected, remainder, outside)[: self.rank]
            return bool((upper - values <= allowed).all())

        def known() -> bool:
            last = self.done == self.budget
            open_end = not last and self._may_cut_cluster(all_values, all_residuals)
            return enough(self.outside) and not open_end

        if self.chain_start is not None:
            chain = self._chain()
            # All chains together fail with at most the given probability.
            fraction = 1 / (self.num_chains * (self.num_chains + 1))
            self.outside = min(self.outside, chain.bound(fraction * self.failure_probability))
            found_more = chain.largest > values[-1] + allowed[-1]
            long = len(chain.made.diagonal) >= STEPS_IF_CLOSE * 2 ** (self.num_chains - 1)
            close = chain.largest > CLOSE * values[-1]
            if known() or found_more or (long and close):
                self.chain_start = None
        small = bool((residuals <= allowed).all())
        self.converged = small and known()
        searching = self.chain_start is None and not self.finished()
        if searching and small and enough(CLOSE * values[-1]):
            self._begin_chain()

    def _may_cut_cluster(self, values: np.ndarray, residuals: np.ndarray) -> bool:
        """Say whether the last wanted pairs are equal, and nothing tells of one more of them.

        The copy that a chain has found last may have more beside it, which its bound allows.
        """
        k = self.rank
        if k == 1 or self.done == self.size:
            return False
        # A Ritz value is off by the square of its residual over the distance of other eigenvalues.
        off = np.sum(residuals[k - 2 : k] ** 2) / (DISTANCE * max(values[k - 1], 1e-30))
        equal = off + self._rounding()
        following = values[k] if self.done > k else 0.0
        return bool(
            values[k - 2] - values[k - 1] <= equal
            and values[k - 1] - following > equal
            and self.outside >= values[k - 1] - equal
        )

    def _begin_chain(self) -> None:
        direction, self.chain_norm = self._random_direction()
        self.candidates.append((-1, direction))
        self.chain_start = self.done
        self.num_chains += 1

    def _chain(self) -> bounds.Chain:
        t = self.coefficients[self.chain_start : self.done, self.chain_start : self.done]
        left = float(np.linalg.norm(self.candidates[-1][1])) if self.candidates else 0.0
        made = Tridiagonal(t.diagonal(), np.append(t.diagonal(-1), left))
        return bounds.Chain(made, self.chain_norm)

    def state(self, *, with_basis: bool) -> dict[str, Any]:
        """Return all that the iteration needs to go on, as arrays."""
        arrays: dict[str, Any] = {
            "coefficients": self.coefficients[: self.done + 1, : self.done],
            "sources": [source for source, _ in self.candidates],
            "candidates": [vector for _, vector in self.candidates],
            "outside": self.outside,
            "chain_start": -1 if self.chain_start is None else self.chain_start,
            "chain_norm": self.chain_norm,
            "num_chains": self.num_chains,
            "converged": self.converged,
        }
        if with_basis:
            arrays["basis"] = rows.to_bytes(self.basis[: self.done])
        return arrays

    def restore(self, saved: dict[str, Any] | None, path: Path) -> None:
        """Go on from a state that was saved at the path, if there is one."""
        if saved is None:
            return
        done = saved["coefficients"].shape[1]
        if done > self.budget:
            raise InputError(
                f"the checkpoint {path} has {done} products, more than "
                f"max_products={self.budget}; raise max_products"
            )
        self.done = done
        held = min(done + 1, self.budget)
        self.coefficients[:held, :done] = saved["coefficients"][:held]
        self.candidates = [
            (int(source), vector)
            for source, vector in zip(saved["sources"], saved["candidates"], strict=True)
        ]
        self.outside = float(saved["outside"])
        self.chain_start = int(saved["chain_start"]) if saved["chain_start"] >= 0 else None
        self.chain_norm = float(saved["chain_norm"])
        self.num_chains = int(saved["num_chains"])
        self.converged = bool(saved["converged"])
        if "basis" in saved:
            self.basis[:done] = rows.from_bytes(saved["basis"], self.basis.dtype)

    def eigenpairs(self, num_extra: int, path: Path | None) -> Eigenpairs:
        """Return the wanted Ritz pairs and what is known about them.

        The eigenvectors take the place of the Lanczos vectors, or are in a file of their own.
        """
        projected, remainder = self.projected(), self.remainder()
        values, coordinates, residuals = ritz(projected, remainder)
        found = int((values > self._rounding()).sum())
        if found < self.rank and self.converged:
            raise InputError(
                f"rank is {self.rank}, but the matrix has only {found} eigenvalues above rounding "
                f"errors; ask for rank={found} or give more images"
            )
        kept = rows.rotate(self.basis, coordinates[:, : self.rank + num_extra].T, path)
        return Eigenpairs(
            values[: self.rank],
            kept[: self.rank],
            kept[self.rank :],
            residuals[: self.rank],
            bounds.upper(projected, remainder, self.outside)[: self.rank],
            self.done,
            self.converged,
            *(float(of[self.rank]) for of in (values, residuals) if self.done > self.rank),
        )


def ritz(
    projected: Float[np.ndarray, "j j"], remainder: Float[np.ndarray, "b j"]
) -> tuple[Float[np.ndarray, " j"], Float[np.ndarray, "j j"], Float[np.ndarray, " j"]]:
    """Return all Ritz values, largest first, their coordinates in V, and their residuals."""
    values, coordinates = np.linalg.eigh(projected)
    values, coordinates = values[::-1], coordinates[:, ::-1]
    return values, coordinates, np.linalg.norm(remainder @ coordinates, axis=0)


def _check(rank: int, size: int, budget: int) -> None:
    if rank < 0 or rank > size:
        raise InputError(
            f"rank is {rank}; give a number from 0 (no deflation) to the number of parameters, "
            f"{size}"
        )
    if budget < rank:
        raise InputError(f"max_products is {budget}; give at least the rank, {rank}")
