"""The eigenvectors from one pass over the images, by products with random vectors."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from slugkit.checks.numbers import check_count, check_fraction
from slugkit.errors import InputError
from slugkit.linalg.range_finder import (
    Directions,
    nystrom_pairs,
    orthonormalise,
    random_directions,
    residuals,
    sample_range,
    sample_sketched,
    sketched_range,
)
from slugkit.linalg.sketch import Sketch, sketch_for
from slugkit.posterior import Posterior, SketchedPosterior, warn_of_cluster
from slugkit.progress import ProgressCallback
from slugkit.solvers.interface import Model, Problem, Solver

# Y as rows (m, p), or S Y as rows (m, s)
Sample = Float[np.ndarray, "m length"]


@dataclass(frozen=True)
class RangeFinder(Solver):
    r"""Products of G with k + l random vectors, all from one pass over the images.

    .. math:: Y = G \Omega, \qquad G \approx Y (\Omega^T Y)^{-1} Y^T

    Every batch is read and linearised once, and the columns of Y do not depend on each other; sums
    over parts of the images add up, for which there is `slugkit.shards`. Nothing proves that the
    pairs are the leading ones, as `Lanczos` does.

    Parameters
    ----------
    oversampling
        The number l of extra columns; the leading k directions are taken, and the others become
        extra Ritz vectors.
    num_power_iterations
        Additional passes, each with the orthonormalised products of the one before, in twice the
        memory.
    residuals
        Measure :math:`|G u - \lambda u|` in one more pass; they are infinite otherwise.
    sketch
        "srft" or "sparse" keeps k columns only as sketched, in O(p + s k) memory, without
        oversampling or additional passes.
    sketch_size, relative_error
        As for `SketchedLanczos`.

    Raises
    ------
    InputError
        An option is unusable, or does not go with another.

    References
    ----------
    `slugkit.linalg.range_finder`; Halko, Martinsson, Tropp, SIAM Review 53 (2011).
    """

    name: ClassVar[str] = "range_finder"

    oversampling: int = 10
    num_power_iterations: int = 0
    residuals: bool = False
    sketch: str | None = None
    sketch_size: int | None = None
    relative_error: float = 0.05

    def __post_init__(self) -> None:
        for option in ("oversampling", "num_power_iterations"):
            check_count(option, getattr(self, option), 0)
        if self.sketch_size is not None:
            check_count("sketch_size", self.sketch_size)
        check_fraction("relative_error", self.relative_error)
        if self.sketch is not None and (self.num_power_iterations or self.residuals):
            raise InputError(
                "num_power_iterations and residuals need the vectors, of which a sketch keeps "
                "none; leave out either"
            )

    def solve(
        self,
        problem: Problem,
        rank: int,
        seeds: tuple[int, int],
        progress: ProgressCallback | None = None,
    ) -> Posterior | SketchedPosterior:
        """Return the posterior of the leading eigenvectors, or of a sketched basis; see `Solver`.

        Raises
        ------
        InputError
            The matrix has not so many eigenvalues, a product is not finite, or a sketched basis is
            asked for with a prior precision.
        """
        sample = self.sample(problem, rank, seeds, progress)
        if self.sketch is not None:
            return self.posterior(problem, rank, seeds, sample)
        directions, num_products = self._directions(problem, seeds), len(sample)
        for _ in range(self.num_power_iterations):
            orthonormalise(sample)
            directions = sample.__getitem__
            sample = sample_range(problem.one_pass, directions, np.empty_like(sample), progress)
            num_products += len(sample)
        made = _with_vectors(problem, rank, directions, sample, num_products)
        if self.residuals:
            measured = residuals(problem.one_pass, made.eigenvalues, made.basis, progress)
            made = replace(made, residuals=measured, num_products=num_products + rank)
        return warn_of_cluster(made)

    def sample(
        self,
        problem: Problem,
        rank: int,
        seeds: tuple[int, int],
        progress: ProgressCallback | None = None,
    ) -> Sample:
        """Return the products of one pass, which are a sum over the images."""
        one_pass, directions = problem.one_pass, self._directions(problem, seeds)
        if self.sketch is not None:
            sketch = self._sketch(problem, rank, seeds, self.sketch)
            return sample_sketched(one_pass, directions, rank, sketch, progress)
        size = problem.parameters.size
        count = min(rank + self.oversampling, size) if rank else 0
        room = np.empty((count, size), problem.parameters.dtype)
        return sample_range(one_pass, directions, room, progress) if rank else room

    def posterior(
        self, model: Model, rank: int, seeds: tuple[int, int], sample: Sample
    ) -> Posterior | SketchedPosterior:
        """Return the posterior that follows from the products of one pass over all images."""
        if self.sketch is None:
            directions = self._directions(model, seeds)
            made = _with_vectors(model, rank, directions, sample, len(sample))
            return warn_of_cluster(made)
        sketch = self._sketch(model, rank, seeds, self.sketch)
        sketched = sketched_range(sample, sketch, model.parameters.dtype)
        nothing = np.zeros((0, model.parameters.size), model.parameters.dtype)
        exact = _posterior(model, np.zeros(0), nothing, 0)
        return SketchedPosterior(exact, sketched, len(sample))

    def _directions(self, model: Model, seeds: tuple[int, int]) -> Directions:
        return random_directions(seeds[0], model.parameters.size, model.parameters.dtype)

    def _sketch(self, model: Model, rank: int, seeds: tuple[int, int], kind: str) -> Sketch:
        if model.prior_precision is not None:
            raise InputError("prior_precision needs the eigenvectors; fit with sketch=None")
        return sketch_for(
            rank,
            model.parameters.size,
            kind=kind,
            size=self.sketch_size,
            relative_error=self.relative_error,
            seed=seeds[1],
        )


def _with_vectors(
    model: Model, rank: int, directions: Directions, sample: Sample, num_products: int
) -> Posterior:
    pairs = nystrom_pairs(directions, sample)
    found = len(pairs.values)
    if found < rank:
        raise InputError(
            f"rank is {rank}, but the matrix has only {found} eigenvalues above rounding errors; "
            f"ask for rank={found} or give more images"
        )
    made = _posterior(model, pairs.values[:rank], pairs.vectors[:rank], num_products)
    following = float(pairs.values[rank]) if found > rank else float("nan")
    return replace(
        made,
        extra_vectors=pairs.vectors[rank:],
        following=following,
        following_residual=float("inf"),
    )


def _posterior(
    model: Model, values: np.ndarray, vectors: np.ndarray, num_products: int
) -> Posterior:
    unknown = np.full(len(values), np.inf)
    return Posterior(
        model.apply,
        model.parameters,
        model.image_shape,
        vectors,
        values,
        unknown,
        unknown,
        num_products,
        False,
        model.prior_precision,
    )
