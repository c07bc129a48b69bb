r"""The prior precision by the marginal likelihood of the Laplace approximation."""

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from scipy.optimize import minimize_scalar

from slugkit.checks.arrays import check_images, check_key, check_not_traced
from slugkit.checks.numbers import check_count
from slugkit.errors import InputError
from slugkit.linalg.quadrature import stochastic_lanczos_quadrature
from slugkit.linalg.random import seed_from
from slugkit.operators.ggn import ggn_product
from slugkit.operators.losses import Hessian
from slugkit.posterior import Posterior
from slugkit.progress import ProgressCallback

# Relative to the largest eigenvalue: between these the precision is sought.
_RANGE = (1e-12, 1e3)


@dataclass(frozen=True)
class PriorPrecision:
    """The prior precision of the largest marginal likelihood."""

    value: float
    log_evidence: float  # at that value, up to a constant that no precision changes
    standard_error: float  # of the log evidence
    num_products: int  # with the generalised Gauss-Newton matrix


def choose_prior_precision(
    posterior: Posterior,
    images: Any,
    *,
    key: jax.Array,
    hessian: Hessian | None = None,
    num_samples: int = 4,
    num_steps: int = 20,
    batch_size: int | None = None,
    progress: ProgressCallback | None = None,
) -> PriorPrecision:
    r"""Return the prior precision a that maximises the Laplace approximation's evidence.

    .. math:: \log p(D \mid a) = -\frac{a}{2} |\theta|^2 + \frac{p}{2} \log a
              - \frac{1}{2} \log\det (G + a I) + \mathrm{const}

    The determinant takes the eigenvalues of the posterior exactly and the rest of G by stochastic
    Lanczos quadrature, whose products serve every a.

    Parameters
    ----------
    posterior
        From `slugkit.slug.fit` with a solver that keeps the eigenvectors.
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
        Use it as ``posterior.with_prior(chosen.value)``.

    Raises
    ------
    InputError
        The images do not fit the posterior, or parameters or curvature are all zero.

    References
    ----------
    MacKay, Neural Computation 4 (1992); Immer, Bauer, Fortuin, Raetsch, Khan, ICML 2021.
    """
    if not isinstance(posterior, Posterior):
        raise InputError("the evidence needs the eigenvectors; fit with solver='lanczos'")
    check_not_traced("choose_prior_precision", images=images, key=key)
    check_key(key)
    num_samples, num_steps = (
        check_count("num_samples", num_samples, 2),
        check_count("num_steps", num_steps),
    )
    parameters = posterior.parameters
    images = check_images(images, posterior.image_shape).astype(parameters.dtype)
    product = ggn_product(
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
