"""Baselines by products with the Jacobian: SLUG itself, and what it becomes in other hands."""

from dataclasses import dataclass, replace
from typing import ClassVar

import jax.numpy as jnp
import numpy as np

from slugkit import slug
from slugkit.baselines.interface import BYTES, Baseline, Comparison, Cost, Problem, over_pixels
from slugkit.errors import InputError
from slugkit.operators.batches import batches
from slugkit.operators.jacobian import lineariser, push
from slugkit.operators.parameters import flatten


@dataclass(frozen=True)
class Slug(Baseline):
    """The variance of the linearised network outside the leading eigenvectors of G."""

    name: ClassVar[str] = "slug"
    title: ClassVar[str] = "SLUG, exact basis"

    def compare(self, problem: Problem) -> Comparison:
        """Return score and map; see `Baseline`."""
        return push_forward(_posterior(problem), problem)


@dataclass(frozen=True)
class JacobianNorm(Baseline):
    r"""The squared norm of the Jacobian in the weights: SLUG with nothing taken out.

    .. math:: |J(x)|^2 = \mathrm{SLUG}_k(x) + \sum_{i=1}^{k} |J(x) u_i|^2

    The sum is exact, and is nearly all of it; only the first part, SLUG itself, is estimated.
    """

    name: ClassVar[str] = "jacobian_norm"
    title: ClassVar[str] = "Jacobian norm (k = 0)"

    def compare(self, problem: Problem) -> Comparison:
        """Return score and map; see `Baseline`."""
        posterior = _posterior(problem)
        outside = push_forward(posterior, problem)
        linearise = lineariser(posterior.apply, posterior.parameters)
        parts = []
        for batch in batches(problem.images, problem.batch_size):
            jvp = linearise(batch.images)[1]
            squares = sum(np.asarray(push(jvp, jnp.asarray(u))) ** 2 for u in posterior.basis)
            parts.append(np.broadcast_to(squares, batch.images.shape)[: batch.size])
        inside = np.concatenate(parts)
        assert outside.map is not None
        cost = replace(outside.cost, products=outside.cost.products + posterior.rank)
        return Comparison(
            outside.score + over_pixels(inside),
            outside.map + inside.sum(axis=-1),
            cost,
            outside.standard_error,
        )


@dataclass(frozen=True)
class SketchedLanczosUncertainty(Baseline):
    """The paper's own algorithm, SLU: its estimator, with a basis that is kept only as sketched.

    There is no map.

    Parameters
    ----------
    num_steps
        Lanczos steps; None takes as many as SLUG takes eigenpairs.
    sketch_fraction
        The size of the sketch, as a fraction of the number of parameters.
    num_images
        How many training images stand for all; None takes all.

    References
    ----------
    Miani, Beretta, Hauberg, NeurIPS (2024), Sketched Lanczos uncertainty.
    """

    name: ClassVar[str] = "sketched_lanczos"
    title: ClassVar[str] = "SLUG as published"

    num_steps: int | None = None
    sketch_fraction: float = 0.1
    num_images: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.sketch_fraction <= 1:
            raise InputError(
                f"sketch_fraction is {self.sketch_fraction}; give a fraction above 0, up to 1"
            )

    def compare(self, problem: Problem) -> Comparison:
        """Return the score; see `Baseline`."""
        size, count = flatten(problem.model.params).size, len(problem.train_images)
        shown = self.num_images and min(self.num_images, count)
        posterior = slug.fit(
            problem.model.reconstruct(),
            problem.model.params,
            problem.train_images,
            rank=problem.rank if self.num_steps is None else self.num_steps,
            key=problem.key,
            subset_size=shown,
            batch_size=problem.batch_size,
            solver=slug.SketchedLanczos(sketch_size=max(1, round(self.sketch_fraction * size))),
        )
        assert isinstance(posterior, slug.SketchedPosterior)
        score = slug.score(
            posterior,
            problem.images,
            num_samples=problem.num_samples,
            key=problem.key,
            estimator="published_sketch",
        )
        cost = Cost(
            training_passes=posterior.num_products * (shown or count) / count,
            products=score.num_products,
            memory_bytes=posterior.sketched.rows.size * BYTES,
        )
        return Comparison(score.value, None, cost, score.standard_error)


def _posterior(problem: Problem) -> slug.Posterior:
    """Return SLUG's eigenpairs, found here where they are not known."""
    if problem.posterior is not None:
        return problem.posterior
    posterior = slug.fit(
        problem.model.reconstruct(),
        problem.model.params,
        problem.train_images,
        rank=problem.rank,
        key=problem.key,
        batch_size=problem.batch_size,
        solver=problem.solver,
    )
    assert isinstance(posterior, slug.Posterior)
    return posterior


def push_forward(
    posterior: slug.Posterior | slug.SketchedPosterior, problem: Problem
) -> Comparison:
    """Return score and map from S products for each image, with what the posterior cost."""
    score, variance = slug.score_and_variance(
        posterior,
        problem.images,
        num_samples=problem.num_samples,
        key=problem.key,
        batch_size=problem.batch_size,
    )
    cost = Cost(
        training_passes=posterior.num_products,
        products=score.num_products,
        memory_bytes=posterior.rank * posterior.parameters.size * BYTES,
    )
    return Comparison(score.value, variance.value.sum(axis=-1), cost, score.standard_error)
