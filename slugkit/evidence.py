r"""The prior precision by the marginal likelihood of the Laplace approximation."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from scipy.optimize import minimize_scalar

from slugkit.errors import InputError
from slugkit.linalg.basis import orthogonalise
from slugkit.linalg.lanczos import Progress
from slugkit.linalg.random import normals, seed_from
from slugkit.operators import batches as batching
from slugkit.operators import ggn
from slugkit.posterior import Posterior

Product = Callable[[np.ndarray], np.ndarray]

# Relative to the largest eigenvalue: between these the precision is sought.
_RANGE = (1e-12, 1e3)


@dataclass(frozen=True)
class Quadrature:
    r"""Nodes and weights: :math:`\mathrm{Tr}\, f(A) \approx \sum_j \tau_j f(\theta_j)`."""

    nodes: np.ndarray  # (samples, steps), the Ritz values of each random start
    weights: np.ndarray  # (samples, steps), each row summing to the number of rows of A
    num_products: int

    def trace(self, function: Callable[[np.ndarray], np.ndarray]) -> tuple[float, float]:
        """Return the estimate of the trace of a function of A and its standard error."""
        forms = np.sum(self.weights * function(self.nodes), axis=1)
        return float(forms.mean()), float(forms.std(ddof=1) / np.sqrt(len(forms)))


@dataclass(frozen=True)
class PriorPrecision:
    """The prior precision of the largest marginal likelihood."""

    value: float
    log_evidence: float  # at that value, up to a constant that no precision changes
    standard_error: float  # of the log evidence
    num_products: int  # with the generalised Gauss-Newton matrix


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
    progress: Progress | None = None,
) -> Quadrature:
    r"""Return a quadrature for traces of functions of a symmetric matrix A.

    .. math:: \mathrm{Tr}\, f(A) \approx \frac{p}{S} \sum_s e_1^T f(T_s)\, e_1

    T_s is the tridiagonal matrix of a Lanczos iteration from a random direction, which keeps its
    vectors and orthogonalises each against all others, twice.

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
        values, shares, products = _ritz(product, start, num_steps)
        nodes[sample, : len(values)] = values
        weights[sample, : len(values)] = (dimension or length) * shares
        spent += products
        if progress is not None:
            progress(sample + 1, num_samples, "random starts of the quadrature")
    return Quadrature(nodes, weights, spent)


def choose_prior_precision(
    posterior: Posterior,
    images: Any,
    *,
    key: jax.Array,
    hessian: ggn.Hessian | None = None,
    num_samples: int = 4,
    num_steps: int = 20,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> PriorPrecision:
    r"""Return the prior precision a that maximises the Laplace approximation's evidence.

    .. math:: \log p(D \mid a) = -\frac{a}{2} |\theta|^2 + \frac{p}{2} \log a
              - \frac{1}{2} \log\det (G + a I) + \mathrm{const}

    The determinant takes the eigenvalues of the posterior exactly and the rest of G by stochastic
    Lanczos quadrature, whose products serve every a.

    Parameters
    ----------
    posterior
        From `slugkit.slug.fit`, with the full basis.
    images
        All training images, shape (n, ...).
    key
        For the random starts.
    hessian
        The Hessian of the loss that the posterior was fitted with. The scale of G matters here:
        with the identity, a is in the units of a Gaussian likelihood of variance 1.
    num_samples, num_steps
        Random starts, and products for each.
    batch_size
        How many images are linearised at once.
    progress
        Called as ``progress(done, total, message)``.

    Returns
    -------
    PriorPrecision
        Use it as ``dataclasses.replace(posterior, prior_precision=chosen.value)``.

    Raises
    ------
    InputError
        The posterior has only a sketched basis, or the images do not fit it.

    References
    ----------
    MacKay, Neural Computation 4 (1992); Immer, Bauer, Fortuin, Raetsch, Khan, ICML 2021.
    """
    if posterior.sketched is not None:
        raise InputError("the evidence needs the eigenvectors; fit with basis='full'")
    parameters = posterior.parameters
    images = batching.check_images(images, posterior.image_shape).astype(parameters.dtype)
    product = ggn.ggn_product(
        posterior.apply, parameters, images, hessian=hessian, batch_size=batch_size
    )
    rest = stochastic_lanczos_quadrature(
        lambda vector: posterior.deflate(product(vector)),
        parameters.size,
        num_samples=num_samples,
        num_steps=min(num_steps, max(parameters.size - posterior.rank, 1)),
        seed=seed_from(key),
        project=posterior.deflate,
        dimension=parameters.size - posterior.rank,
        dtype=parameters.dtype,
        progress=progress,
    )
    known = np.maximum(posterior.eigenvalues.astype(float), 0)
    squared_norm = float(np.sum(np.square(np.asarray(parameters.vector, float))))

    def log_evidence(a: float) -> tuple[float, float]:
        # p log a - log det (G + a I) = -log det (I + G / a): what grows with p cancels.
        trace, error = rest.trace(lambda nodes: np.log1p(np.maximum(nodes, 0) / a))
        determinant = np.sum(np.log1p(known / a)) + trace
        return -0.5 * (a * squared_norm + determinant), 0.5 * error

    largest = max(float(known.max(initial=0.0)), float(rest.nodes.max(initial=0.0)))
    if largest == 0 or squared_norm == 0:
        raise InputError(
            "the evidence has no maximum: the parameters or the curvature are all zero"
        )
    low, high = (np.log(bound * largest) for bound in _RANGE)
    # The evidence may have several maxima in log a; a grid finds the neighbourhood of the highest.
    grid = np.linspace(low, high, 200)
    best = int(np.argmax([log_evidence(float(np.exp(x)))[0] for x in grid]))
    bounds = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    found = minimize_scalar(
        lambda x: -log_evidence(float(np.exp(x)))[0], bounds=bounds, method="bounded"
    )
    value = float(np.exp(found.x))
    evidence, error = log_evidence(value)
    return PriorPrecision(value, evidence, error, rest.num_products)


def _ritz(
    product: Product, start: np.ndarray, num_steps: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Return Ritz values, the squared first entries of their vectors, and the products spent."""
    norm = float(np.linalg.norm(start))
    if norm == 0:
        return np.zeros(0), np.zeros(0), 0
    vectors = [start / norm]
    diagonal, beside = [], []
    scale = 0.0
    while True:
        image = product(vectors[-1])
        diagonal.append(float(np.vdot(vectors[-1], image)))
        scale = max(scale, float(np.linalg.norm(image)))
        basis = np.stack(vectors)
        for _ in range(2):
            image, _ = orthogonalise(image, basis)
        beta = float(np.linalg.norm(image))
        if len(vectors) == num_steps or beta <= 32 * float(np.finfo(start.dtype).eps) * scale:
            break
        beside.append(beta)
        vectors.append((image / beta).astype(start.dtype))
    t = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
    values, coordinates = np.linalg.eigh(t)
    return values, coordinates[0] ** 2, len(vectors)
