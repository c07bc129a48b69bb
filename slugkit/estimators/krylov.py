"""The most accurate estimator of one image's map: an exact part in its own Krylov space."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import numpy as np

from slugkit.errors import InputError
from slugkit.estimators.budget import Budget
from slugkit.estimators.interface import Estimates, ImageEstimator, scaled
from slugkit.linalg.basis import coefficients, combine, orthogonalise
from slugkit.linalg.estimates import Estimate, chi_square, quadratic_forms
from slugkit.linalg.random import normals, seed_from
from slugkit.linalg.recurrence import ROUNDING
from slugkit.operators.jacobian import Jacobian
from slugkit.operators.scaled_jacobian import ScaledJacobian
from slugkit.posterior import Posterior, SketchedPosterior

VECTORS_PER_BLOCK = 16
# With a target instead of a budget: the first number of products to try, and its largest growth.
FIRST_BUDGET = 32
GROWTH = 1.5
SMALLEST_STEP = 4


@dataclass(frozen=True)
class Krylov(ImageEstimator):
    r"""Estimate trace and diagonal of :math:`A = B B^T` for one image.

    .. math:: \mathrm{diag}(A) = \sum_{j \le m} (B v_j)^2
              + E[(B (I - V V^T) w)^2], \qquad w \sim N(0, I)

    V spans the Krylov space of :math:`B^T B` from a random vector (Golub-Kahan bidiagonalisation,
    reorthogonalised twice). It is made by one product with B and one with its transpose per vector,
    and the former are the exact part already, so what row-norm++ takes three products for costs
    two here, in a better space. The remainder is left to chance; where V grows afterwards the
    samples are corrected without new products. The first vector of the Krylov space is independent
    of the samples.

    Parameters
    ----------
    exact_fraction
        The fraction of the products that goes into the Krylov space, two for each vector. Between
        0.4 and 0.8 the error hardly changes.

    References
    ----------
    Golub, Kahan, SIAM J. Numer. Anal. 2 (1965); the split into an exact part and a sampled rest is
    that of Hutch++ (Meyer, Musco, Musco, Woodruff, SOSA 2021).
    """

    name: ClassVar[str] = "krylov"

    exact_fraction: float = 0.6

    def __post_init__(self) -> None:
        if not 0 <= self.exact_fraction < 1:
            raise InputError(
                f"exact_fraction is {self.exact_fraction}; give a fraction from 0 to below 1"
            )

    def estimate_image(
        self,
        posterior: Posterior | SketchedPosterior,
        jacobian: Jacobian,
        budget: Budget,
        key: jax.Array,
    ) -> Estimates:
        """Return the score (1,) and the pixel variances (1, ...) of one image."""
        state = _State(scaled(posterior, jacobian), key)
        # Then the space is complete.
        most = 2 * min(jacobian.size, jacobian.length) / max(self.exact_fraction, 1e-9)
        count = min(FIRST_BUDGET, budget.remaining(0, FIRST_BUDGET))
        if budget.relative_error is None:
            count = budget.num_products or FIRST_BUDGET
        while True:
            state.grow(int(self.exact_fraction * count / 2))
            state.sample(max(1, count - state.num_exact))
            score, variance = state.score(), state.variance()
            if budget.relative_error is None or budget.reached(score, variance):
                return score, variance
            if count == FIRST_BUDGET:
                budget.warn_of_cost(self.name, score, variance, most)
            # The error falls about as the number of products rises.
            growth = min(GROWTH, budget.excess(score, variance)) - 1
            more = budget.remaining(count, max(SMALLEST_STEP, round(growth * count)))
            if more == 0:
                return score, variance
            count += more


class _State:
    """The Krylov space of one image, and samples of what is outside."""

    def __init__(self, jacobian: ScaledJacobian, key: jax.Array):
        self.jacobian = jacobian
        self.seed, seed_of_start = (seed_from(one) for one in jax.random.split(key))
        self.vectors = np.zeros((0, jacobian.length), jacobian.dtype)  # V
        self.images = np.zeros((0, jacobian.size), jacobian.dtype)  # B v
        self.samples = np.zeros((0, jacobian.size), jacobian.dtype)  # B (I - V V^T) w
        self.start = normals(seed_of_start, range(1), jacobian.length, jacobian.dtype)[0]
        self.complete = False  # whether nothing is outside of V

    def grow(self, count: int) -> None:
        """Extend V to the given number of vectors, and take the new ones out of the samples."""
        old = len(self.vectors)
        if count <= old or self.complete:
            return
        self.vectors = np.concatenate(
            [self.vectors, np.empty((count - old, self.jacobian.length), self.jacobian.dtype)]
        )
        images = list(self.images)
        eps = float(np.finfo(self.jacobian.dtype).eps)
        for j in range(old, count):
            vector = self.jacobian.pull(images[-1][None])[0] if images else self.start
            scale = float(np.linalg.norm(vector))
            for _ in range(2):
                vector, _ = orthogonalise(vector, self.vectors[:j])
            norm = float(np.linalg.norm(vector))
            if norm <= ROUNDING * eps * scale:
                self.complete = True
                self.vectors = self.vectors[:j]
                break
            self.vectors[j] = vector / norm
            images.append(self.jacobian.push(self.vectors[j : j + 1])[0])
        self.images = np.stack(images)
        new = self.vectors[old:]
        for block in _blocks(0, len(self.samples)):
            along = coefficients(new, self._random(block))
            self.samples[block.start : block.stop] -= along @ self.images[old:]

    def sample(self, count: int) -> None:
        """Draw samples until there are `count`."""
        made = [self.samples]
        for block in _blocks(len(self.samples), count):
            random = self._random(block)
            random -= combine(coefficients(self.vectors, random), self.vectors, random.dtype)
            made.append(self.jacobian.push(random))
        self.samples = np.concatenate(made)

    @property
    def num_exact(self) -> int:
        """Each vector but the first took two products; a last, vain attempt took one."""
        return max(0, 2 * len(self.vectors) - 1) + int(self.complete)

    @property
    def num_products(self) -> int:
        return self.num_exact + len(self.samples)

    def score(self) -> Estimate:
        rest = quadratic_forms(self.samples, self.num_products)
        return rest._replace(value=np.sum(self.images**2) + rest.value)

    def variance(self) -> Estimate:
        shape = 1, *self.jacobian.shape
        exact = np.sum(self.images**2, axis=0).reshape(shape)
        total = np.sum(self.samples**2, axis=0).reshape(shape)
        return chi_square(exact, total, len(self.samples), self.num_products)

    def _random(self, block: range) -> np.ndarray:
        return normals(self.seed, block, self.jacobian.length, self.jacobian.dtype)


def _blocks(start: int, stop: int) -> list[range]:
    size = VECTORS_PER_BLOCK
    return [range(i, min(i + size, stop)) for i in range(start, stop, size)]
