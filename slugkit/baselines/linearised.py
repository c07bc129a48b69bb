"""Baselines by products with the Jacobian: SLUG itself, and what it becomes in other hands."""

from dataclasses import dataclass
from typing import ClassVar

from slugkit import slug
from slugkit.baselines.interface import BYTES, Baseline, Comparison, Cost, Problem
from slugkit.errors import InputError
from slugkit.operators.parameters import flatten

LAST_LAYER = "decoder/head/"


@dataclass(frozen=True)
class Slug(Baseline):
    """The variance of the linearised network outside the leading eigenvectors of G."""

    name: ClassVar[str] = "slug"
    title: ClassVar[str] = "SLUG"

    def compare(self, problem: Problem) -> Comparison:
        """Return score and map; see `Baseline`."""
        posterior: slug.Posterior | slug.SketchedPosterior | None = problem.posterior
        if posterior is None:
            posterior = slug.fit(
                problem.model.reconstruct(),
                problem.model.params,
                problem.train_images,
                rank=problem.rank,
                key=problem.key,
                batch_size=problem.batch_size,
                solver=problem.solver,
            )
        return _push_forward(posterior, problem)


@dataclass(frozen=True)
class JacobianNorm(Baseline):
    """The squared norm of the Jacobian in the weights, |J(x)|^2: SLUG with nothing taken out."""

    name: ClassVar[str] = "jacobian_norm"
    title: ClassVar[str] = "Jacobian norm (k = 0)"

    def compare(self, problem: Problem) -> Comparison:
        """Return score and map; see `Baseline`."""
        # No training image matters at rank 0; one is enough to check the model.
        posterior = slug.fit(
            problem.model.reconstruct(),
            problem.model.params,
            problem.train_images[:1],
            rank=0,
            key=problem.key,
            batch_size=problem.batch_size,
        )
        return _push_forward(posterior, problem)


@dataclass(frozen=True)
class LastLayerLaplace(Baseline):
    r"""The variance of the reconstruction under a posterior of the last layer's weights.

    .. math:: \Sigma = (G + v I)^{-1}

    for a standard normal prior, in the units of G; v is the likelihood's variance. Only the leading
    eigenpairs of G are found, as many as SLUG takes; along all others the prior stands.

    References
    ----------
    Daxberger et al., NeurIPS (2021), Laplace redux: the last layer is the usual choice where all
    weights are too many.
    """

    name: ClassVar[str] = "last_layer_laplace"
    title: ClassVar[str] = "last-layer Laplace"

    def compare(self, problem: Problem) -> Comparison:
        """Return score and map; see `Baseline`."""
        size = flatten(problem.model.params, _is_last_layer).size
        posterior = slug.fit(
            problem.model.reconstruct(),
            problem.model.params,
            problem.train_images,
            rank=min(problem.rank, size),
            key=problem.key,
            prior_precision=problem.likelihood_variance,
            parameter_filter=_is_last_layer,
            batch_size=problem.batch_size,
            solver=problem.solver,
        )
        return _push_forward(posterior, problem)


@dataclass(frozen=True)
class SketchedLanczosUncertainty(Baseline):
    """SLU: the score by the paper's estimator with a basis that is kept only as sketched.

    There is no map.

    Parameters
    ----------
    num_steps
        Lanczos steps.
    sketch_fraction
        The size of the sketch, as a fraction of the number of parameters.
    num_images
        How many training images stand for all; None takes all.

    References
    ----------
    Miani, Beretta, Hauberg, NeurIPS (2024), Sketched Lanczos uncertainty.
    """

    name: ClassVar[str] = "sketched_lanczos"
    title: ClassVar[str] = "SLU (sketched)"

    num_steps: int = 30
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
            rank=self.num_steps,
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


def _push_forward(
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


def _is_last_layer(name: str) -> bool:
    return name.startswith(LAST_LAYER)
