"""The eigenvectors by Lanczos iteration with full reorthogonalisation: the default."""

import os
from dataclasses import dataclass
from typing import ClassVar

from slugkit.checks.numbers import check_count
from slugkit.errors import InputError
from slugkit.linalg.lanczos import lanczos
from slugkit.posterior import Posterior, warn_of_cluster
from slugkit.progress import ProgressCallback
from slugkit.solvers.interface import Problem, Solver


@dataclass(frozen=True)
class Lanczos(Solver):
    """Lanczos iteration that keeps its vectors and verifies that the pairs are the leading ones.

    Parameters
    ----------
    tolerance
        The largest residual of an eigenpair, and the largest gap below its upper bound, relative to
        its eigenvalue.
    max_products
        The largest number of products with G; 3 k + 20 by default.
    num_extra
        The number of extra Ritz vectors to keep for the estimator "deflated", if there are as many.
    failure_probability
        The upper bounds are wrong with at most this probability.
    basis_dtype
        "bfloat16" keeps the eigenvectors in half the memory.
    basis_path
        A file that holds the eigenvectors instead of the memory.
    checkpoint
        A file from which an interrupted fit goes on, to the same numbers.

    Raises
    ------
    InputError
        An option is unusable.

    References
    ----------
    `slugkit.linalg.lanczos`.
    """

    name: ClassVar[str] = "lanczos"

    tolerance: float = 1e-2
    max_products: int | None = None
    num_extra: int = 0
    failure_probability: float = 1e-4
    basis_dtype: str | None = None
    basis_path: str | os.PathLike[str] | None = None
    checkpoint: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        check_count("num_extra", self.num_extra, 0)
        if self.max_products is not None:
            check_count("max_products", self.max_products)
        if self.basis_dtype not in (None, "float32", "float64", "bfloat16"):
            raise InputError(f"basis_dtype is {self.basis_dtype!r}; choose 'float32' or 'bfloat16'")

    def solve(
        self,
        problem: Problem,
        rank: int,
        seeds: tuple[int, int],
        progress: ProgressCallback | None = None,
    ) -> Posterior:
        """Return the posterior of the leading eigenvectors; see `Solver`."""
        pairs = lanczos(
            problem.product,
            problem.parameters.size,
            rank,
            seed=seeds[0],
            tolerance=self.tolerance,
            failure_probability=self.failure_probability,
            max_products=self.max_products,
            num_extra=self.num_extra,
            dtype=problem.parameters.dtype,
            basis_dtype=self.basis_dtype,
            basis_path=self.basis_path,
            checkpoint=self.checkpoint,
            digest="" if self.checkpoint is None else problem.identify(),
            progress=progress,
        )
        return warn_of_cluster(
            Posterior(
                problem.apply,
                problem.parameters,
                problem.image_shape,
                pairs.vectors,
                pairs.values,
                pairs.residuals,
                pairs.upper,
                pairs.num_products,
                pairs.converged,
                problem.prior_precision,
                pairs.extra_vectors,
                pairs.following,
                pairs.following_residual,
            )
        )
