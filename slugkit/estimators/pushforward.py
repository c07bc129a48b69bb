"""Scores and pixel variances of whole batches, by pushing directions forward through the model."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from slugkit.checks.model import check_derivative, check_outputs
from slugkit.estimators.budget import Budget
from slugkit.estimators.interface import Estimates, Estimator
from slugkit.linalg.basis import coefficients, combine
from slugkit.linalg.estimates import Estimate, chi_square, join, mean
from slugkit.linalg.random import normals, seed_from
from slugkit.operators.batches import Batch, batches
from slugkit.operators.jacobian import Linear, lineariser
from slugkit.posterior import Posterior, SketchedPosterior
from slugkit.progress import ProgressCallback

# The number of directions that are drawn and projected at once.
DIRECTIONS_PER_BLOCK = 16


@dataclass(frozen=True)
class Pushforward(Estimator):
    r"""The default: random directions, the same for all images, pushed forward.

    .. math:: \mathrm{diag}(J \Sigma J^T) = E[(J w)^2], \qquad w \sim N(0, \Sigma)

    Every pixel's relative standard error is sqrt(2 / S), and no estimate is negative.
    """

    name: ClassVar[str] = "pushforward"

    def num_exact_vectors(self, posterior: Posterior, budget: Budget) -> int:
        """Return how many of the extra Ritz vectors are pushed forward before the directions."""
        return 0

    def estimate(
        self,
        posterior: Posterior | SketchedPosterior,
        images: Float[np.ndarray, "n ..."],
        budget: Budget,
        key: jax.Array,
        *,
        batch_size: int | None = None,
        progress: ProgressCallback | None = None,
    ) -> Estimates:
        """Return the scores (n,) and the pixel variances (n, ...); see `Estimator`."""
        assert isinstance(posterior, Posterior)
        num_exact = self.num_exact_vectors(posterior, budget)
        linearise = lineariser(posterior.apply, posterior.parameters)
        seed = seed_from(key)
        parts = list(batches(images, batch_size))
        scores, variances = [], []
        for index, batch in enumerate(parts):
            outputs, jvp = linearise(batch.images)
            check_outputs(outputs, batch.start)
            accumulator = _Accumulator(jvp, outputs, batch, budget.variance)
            known = posterior.extra_vectors[:num_exact].astype(images.dtype)
            accumulator.push_exact(posterior.sqrt_covariance_product(known))
            while count := budget.remaining(accumulator.num_products, DIRECTIONS_PER_BLOCK):
                samples = range(accumulator.count, accumulator.count + count)
                random = normals(seed, samples, posterior.parameters.size, images.dtype)
                random -= combine(coefficients(known, random), known, random.dtype)
                accumulator.push_samples(posterior.sqrt_covariance_product(random))
                if progress is not None:
                    spent = budget.num_products or accumulator.num_products
                    progress(
                        index * spent + accumulator.num_products,
                        len(parts) * spent,
                        f"products for batch {index + 1} of {len(parts)}",
                    )
                if budget.relative_error:
                    check_derivative(accumulator.last_norms(), batch.start)
                    made = accumulator.score(), accumulator.variance()
                    if budget.reached(*made):
                        break
                    if accumulator.count == DIRECTIONS_PER_BLOCK:
                        budget.warn_of_cost(self.name, *made)
            score = accumulator.score()
            check_derivative(score.value, batch.start)
            scores.append(score)
            variances.append(accumulator.variance())
            # Or the next batch is linearised beside the activations of this one.
            del jvp, accumulator
        return join(scores), join(variances)


class _Accumulator:
    """The squares that have been summed up for one batch."""

    def __init__(self, jvp: Linear, outputs: jax.Array, batch: Batch, with_map: bool):
        self.jvp, self.size = jvp, batch.size
        self.exact = jnp.zeros_like(outputs) if with_map else None
        self.total = jnp.zeros_like(outputs) if with_map else None
        self.exact_norms = jnp.zeros(len(outputs), outputs.dtype)
        self.norms: list[jax.Array] = []
        self.num_exact = 0

    @property
    def count(self) -> int:
        return len(self.norms)

    @property
    def num_products(self) -> int:
        return self.num_exact + self.count

    def push_exact(self, directions: np.ndarray) -> None:
        for direction in directions:
            norms, self.exact = _squares(self.jvp, direction, self.exact)
            self.exact_norms += norms
        self.num_exact += len(directions)

    def push_samples(self, directions: np.ndarray) -> None:
        for direction in directions:
            norms, self.total = _squares(self.jvp, direction, self.total)
            self.norms.append(norms)

    def last_norms(self) -> np.ndarray:
        return np.asarray(self.norms[-1])[: self.size]

    def score(self) -> Estimate:
        sampled = mean(np.stack(self.norms)[:, : self.size], self.num_products)
        return sampled._replace(value=sampled.value + np.asarray(self.exact_norms)[: self.size])

    def variance(self) -> Estimate | None:
        if self.exact is None or self.total is None:
            return None
        exact, total = (np.asarray(part)[: self.size] for part in (self.exact, self.total))
        return chi_square(exact, total, self.count, self.num_products)


@jax.jit
def _squares(
    jvp: Linear, direction: jax.Array, total: jax.Array | None
) -> tuple[jax.Array, jax.Array | None]:
    squares = jvp(direction) ** 2
    norms = squares.reshape(len(squares), -1).sum(axis=1)
    return norms, None if total is None else total + squares
