"""Traces of functions of a symmetric matrix, by stochastic Lanczos quadrature."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from slugkit.errors import InputError
from slugkit.linalg.random import normals
from slugkit.linalg.recurrence import Product, recurrence
from slugkit.progress import ProgressCallback


@dataclass(frozen=True)
class Quadrature:
    r"""Nodes and weights: :math:`\mathrm{Tr}\, f(A) \approx \sum_j \tau_j f(\theta_j)`."""

    nodes: Float[np.ndarray, "samples steps"]  # the Ritz values of each random start
    weights: Float[np.ndarray, "samples steps"]  # each row sums to the number of rows of A
    num_products: int

    def trace(self, function: Callable[[np.ndarray], np.ndarray]) -> tuple[float, float]:
        """Return the estimate of the trace of a function of A and its standard error."""
        forms = np.sum(self.weights * function(self.nodes), axis=1)
        return float(forms.mean()), float(forms.std(ddof=1) / np.sqrt(len(forms)))


def stochastic_lanczos_quadrature(
    product: Product,
    length: int,
    *,
    num_samples: int,
    num_steps: int,
    seed: int,
    project: Product = lambda vector: vector,
    dimension: int | None = None,
    dtype: Any = np.float32,
    progress: ProgressCallback | None = None,
) -> Quadrature:
    r"""Return a quadrature for traces of functions of a symmetric matrix A.

    .. math:: \mathrm{Tr}\, f(A) \approx \frac{p}{S} \sum_s e_1^T f(T_s)\, e_1

    T_s is the tridiagonal matrix of a Lanczos recurrence with full reorthogonalisation from a
    random direction.

    Parameters
    ----------
    product
        Maps a vector (p,) to A times it.
    length
        The number of rows p.
    num_samples
        The number of random starts S, at least 2.
    num_steps
        The number of products for each.
    seed
        For the starts.
    project
        Applied to each start: an orthogonal projection that commutes with A restricts the trace to
        its range.
    dimension
        Of that range; p by default.
    dtype
        The type of the vectors.
    progress
        Called as ``progress(done, total, message)``.

    References
    ----------
    Ubaru, Chen, Saad, SIAM J. Matrix Anal. Appl. 38 (2017).
    """
    if num_samples < 2 or num_steps < 1:
        raise InputError(
            f"num_samples is {num_samples} and num_steps {num_steps}; give at least 2 and 1, so "
            "that there is a standard error"
        )
    nodes, weights = np.zeros((2, num_samples, num_steps))
    spent = 0
    for sample in range(num_samples):
        start = project(normals(seed, range(sample, sample + 1), length, dtype)[0])
        if start.any():
            made = recurrence(product, start, num_steps, reorthogonalise=True)
            values, coordinates = np.linalg.eigh(made.matrix())
            nodes[sample, : len(values)] = values
            weights[sample, : len(values)] = (dimension or length) * coordinates[0] ** 2
            spent += len(values)
        if progress is not None:
            progress(sample + 1, num_samples, "random starts of the quadrature")
    return Quadrature(nodes, weights, spent)
