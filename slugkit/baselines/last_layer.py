"""The Laplace approximation of the last layer, whose matrix is small enough to be kept whole."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from slugkit import slug
from slugkit.baselines.interface import Baseline, Comparison, Problem
from slugkit.baselines.linearised import push_forward
from slugkit.errors import InputError
from slugkit.linalg.range_finder import sample_range
from slugkit.operators.parameters import flatten
from slugkit.posterior import Posterior
from slugkit.progress import ProgressCallback
from slugkit.solvers import interface

LAST_LAYER = "decoder/head/"
# Numbers in the matrix, about 0.8 GB.
MOST_NUMBERS = 100_000_000


@dataclass(frozen=True)
class LastLayerLaplace(Baseline):
    r"""The variance of the reconstruction under a posterior of the last layer's weights.

    .. math:: \Sigma = (G + v I)^{-1}

    for a standard normal prior, in the units of G; v is the likelihood's variance. G is the whole
    matrix of the layer, not some of its eigenpairs.

    References
    ----------
    Daxberger et al., NeurIPS (2021), Laplace redux: the last layer is the usual choice where all
    weights are too many.
    """

    name: ClassVar[str] = "last_layer_laplace"
    title: ClassVar[str] = "last-layer Laplace"

    def compare(self, problem: Problem) -> Comparison:
        """Return score and map; see `Baseline`."""
        posterior = slug.fit(
            problem.model.reconstruct(),
            problem.model.params,
            problem.train_images,
            rank=flatten(problem.model.params, is_last_layer).size,
            key=problem.key,
            prior_precision=problem.likelihood_variance,
            parameter_filter=is_last_layer,
            batch_size=problem.batch_size,
            solver=WholeMatrix(),
        )
        return push_forward(posterior, problem)


@dataclass(frozen=True)
class WholeMatrix(interface.Solver):
    """Every eigenpair, of the matrix made column by column in one pass over the images."""

    name: ClassVar[str] = "whole_matrix"

    def solve(
        self,
        problem: interface.Problem,
        rank: int,
        seeds: tuple[int, int],
        progress: ProgressCallback | None = None,
    ) -> Posterior:
        """Return the posterior of all p eigenpairs; see `Solver`.

        Raises
        ------
        InputError
            The matrix is too large to be kept, or fewer eigenpairs than it has are asked for.
        """
        size, dtype = problem.parameters.size, problem.parameters.dtype
        if rank != size or size**2 > MOST_NUMBERS:
            raise InputError(
                f"the whole matrix has {size} eigenpairs and {size**2:,} numbers; ask for all "
                f"pairs of a matrix of up to {MOST_NUMBERS:,} numbers, or take another solver"
            )
        columns = np.eye(size, dtype=dtype)
        matrix = sample_range(
            problem.one_pass, columns.__getitem__, np.empty_like(columns), progress
        ).astype(float)
        values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
        # The basis is orthonormal only as far as its type can tell.
        basis = np.ascontiguousarray(vectors.T[::-1], dtype)
        exact = np.zeros(size)
        return Posterior(
            problem.apply,
            problem.parameters,
            problem.image_shape,
            basis,
            values[::-1],
            exact,
            values[::-1],
            size,
            True,
            problem.prior_precision,
        )


def is_last_layer(name: str) -> bool:
    """Whether a parameter of this name belongs to the last layer."""
    return name.startswith(LAST_LAYER)
