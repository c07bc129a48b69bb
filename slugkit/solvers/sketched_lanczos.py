"""A sketched basis by Lanczos iteration (SLU), for where k * p numbers are too many."""

from dataclasses import dataclass, field
from typing import ClassVar

from slugkit.checks.numbers import check_count, check_fraction
from slugkit.errors import InputError
from slugkit.linalg.sketch import sketch_for
from slugkit.linalg.sketched_lanczos import sketched_lanczos
from slugkit.posterior import SketchedPosterior
from slugkit.progress import ProgressCallback
from slugkit.solvers.interface import Problem, Solver
from slugkit.solvers.lanczos import Lanczos


@dataclass(frozen=True)
class SketchedLanczos(Solver):
    """Lanczos iteration of k steps that keeps its vectors only as sketched.

    The posterior knows lengths outside of the basis, and so the score, but no map.

    Parameters
    ----------
    sketch
        "srft" or "sparse".
    sketch_size
        The length s of the sketched vectors, by default as the relative error asks for.
    num_exact
        The number of eigenpairs to find and keep first; the iteration runs on what is left of G
        (the preconditioned form of SLU).
    threshold
        Directions whose singular value is below this fraction of the largest are dropped.
    exact
        How those eigenpairs are found.
    relative_error
        By which the default sketch may be off in a squared length outside of the basis, as one
        standard deviation; a score, the sum of many, is off by less.

    References
    ----------
    `slugkit.linalg.sketched_lanczos`.
    """

    name: ClassVar[str] = "sketched_lanczos"

    sketch: str = "srft"
    sketch_size: int | None = None
    num_exact: int = 0
    threshold: float = 1e-3
    exact: Lanczos = field(default_factory=Lanczos)
    relative_error: float = 0.05

    def __post_init__(self) -> None:
        check_count("num_exact", self.num_exact, 0)
        if self.sketch_size is not None:
            check_count("sketch_size", self.sketch_size)
        check_fraction("relative_error", self.relative_error)

    def solve(
        self,
        problem: Problem,
        rank: int,
        seeds: tuple[int, int],
        progress: ProgressCallback | None = None,
    ) -> SketchedPosterior:
        """Return the posterior of the sketched basis; see `Solver`.

        Raises
        ------
        InputError
            An option is unusable, or a prior precision is given, which needs the eigenvectors.
        """
        if problem.prior_precision is not None:
            raise InputError("prior_precision needs the eigenvectors; fit with solver='lanczos'")
        if not 0 <= self.num_exact < rank:
            raise InputError(
                f"num_exact is {self.num_exact}; give a number from 0 to the rank less one, "
                f"{rank - 1}"
            )
        size = problem.parameters.size
        sketch = sketch_for(
            rank - self.num_exact,
            size,
            kind=self.sketch,
            size=self.sketch_size,
            relative_error=self.relative_error,
            seed=seeds[1],
        )
        exact = self.exact.solve(problem, self.num_exact, seeds, progress)
        basis, num_products = sketched_lanczos(
            lambda vector: exact.deflate(problem.product(exact.deflate(vector))),
            sketch,
            rank - self.num_exact,
            length=size,
            seed=seeds[1] + 1,
            threshold=self.threshold,
            dtype=problem.parameters.dtype,
            progress=progress,
        )
        return SketchedPosterior(exact, basis, exact.num_products + num_products)
