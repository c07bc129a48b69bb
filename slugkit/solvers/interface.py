"""What every solver is given and returns."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from slugkit.discovery import discover, resolve
from slugkit.linalg.range_finder import OnePass
from slugkit.operators.jacobian import Apply
from slugkit.operators.parameters import FlatParameters
from slugkit.posterior import Posterior, SketchedPosterior
from slugkit.progress import ProgressCallback


@dataclass(frozen=True)
class Model:
    """The model that a posterior belongs to."""

    apply: Apply
    parameters: FlatParameters
    image_shape: tuple[int, ...]
    prior_precision: float | None


@dataclass(frozen=True)
class Problem(Model):
    """The matrix G, known by its products, and the model that it belongs to."""

    product: Callable[[Float[np.ndarray, " p"]], Float[np.ndarray, " p"]]
    one_pass: OnePass  # multiplies many vectors in one pass over the images
    identify: Callable[[], str]  # a digest of all that G is made of


class Solver(ABC):
    """Finds the leading eigenvectors of a symmetric positive semi-definite matrix.

    A solver is a frozen dataclass with its options, in a module of `slugkit.solvers`; `name` is the
    short-cut for its default options.
    """

    name: ClassVar[str]

    @abstractmethod
    def solve(
        self,
        problem: Problem,
        rank: int,
        seeds: tuple[int, int],
        progress: ProgressCallback | None = None,
    ) -> Posterior | SketchedPosterior:
        """Return the posterior of the leading eigenvectors.

        Parameters
        ----------
        problem
            The matrix and the model.
        rank
            The number of eigenvectors.
        seeds
            The first for the random directions, the second for whatever else is random.
        progress
            Called as ``progress(done, total, message)``.
        """


def solver_of(given: Solver | str) -> Solver:
    """Return a solver for itself or for its name."""
    return resolve(given, Solver, discover(__package__, Solver), "solver")  # type: ignore[type-abstract]
