"""What every estimator is given and returns."""

from abc import ABC, abstractmethod
from typing import ClassVar

import jax
import numpy as np
from jaxtyping import Float

from slugkit.checks.model import check_outputs
from slugkit.discovery import discover, resolve
from slugkit.errors import InputError, counted_from
from slugkit.estimators.budget import Budget
from slugkit.linalg.estimates import Estimate, join
from slugkit.operators.jacobian import Jacobian, lineariser
from slugkit.operators.scaled_jacobian import ScaledJacobian
from slugkit.posterior import Posterior, SketchedPosterior
from slugkit.progress import ProgressCallback

# The score and the variance; None for what is not wanted or not known.
Estimates = tuple[Estimate | None, Estimate | None]


class Estimator(ABC):
    """Estimates scores, pixel variances or both.

    An estimator is a frozen dataclass with its options, in a module of `slugkit.estimators`; `name`
    is the short-cut for its default options.
    """

    name: ClassVar[str]
    gives_score: ClassVar[bool] = True
    gives_variance: ClassVar[bool] = True
    takes: ClassVar[type[Posterior] | type[SketchedPosterior]] = Posterior

    @abstractmethod
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
        """Return the scores (n,) and the pixel variances (n, ...).

        Parameters
        ----------
        posterior
            Of the kind that the estimator takes.
        images
            Of the type of the parameters.
        budget
            The number of products per image and what is wanted.
        key
            For the random directions.
        batch_size
            How many images are linearised at once.
        progress
            Called as ``progress(done, total, message)``.
        """


class ImageEstimator(Estimator):
    """An estimator that takes one image after the other."""

    @abstractmethod
    def estimate_image(
        self,
        posterior: Posterior | SketchedPosterior,
        jacobian: Jacobian,
        budget: Budget,
        key: jax.Array,
    ) -> Estimates:
        """Return the score (1,) and the pixel variances (1, ...) of one image."""

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
        linearise = lineariser(posterior.apply, posterior.parameters)
        scores, variances = [], []
        for index, image in enumerate(images):
            key_image = jax.random.fold_in(key, index)
            with counted_from(index):
                jacobian = Jacobian(linearise, posterior.parameters, image)
                check_outputs(jacobian.outputs)
                score, variance = self.estimate_image(posterior, jacobian, budget, key_image)
            scores.append(score)
            variances.append(variance)
            if progress is not None:
                progress(index + 1, len(images), f"images by {self.name}")
        return join(scores), join(variances)


def scaled(posterior: Posterior | SketchedPosterior, jacobian: Jacobian) -> ScaledJacobian:
    """Return the scaled Jacobian, for estimators that take a posterior with its eigenvectors."""
    assert isinstance(posterior, Posterior)
    return ScaledJacobian(posterior, jacobian)


def estimators() -> dict[str, type[Estimator]]:
    """Return all estimators by name."""
    return discover(__package__, Estimator)  # type: ignore[type-abstract]


def estimator_of(given: Estimator | str, *, score: bool, variance: bool) -> Estimator:
    """Return an estimator, which gives what is wanted, for itself or for its name.

    Raises
    ------
    InputError
        There is none of that name, or it does not give that.
    """
    able = {
        name: one
        for name, one in estimators().items()
        if one.gives_score >= score and one.gives_variance >= variance
    }
    purpose = {
        (True, False): "score",
        (False, True): "pixel variance",
        (True, True): "score and the pixel variance at once",
    }[score, variance]
    if isinstance(given, Estimator) and not (
        given.gives_score >= score and given.gives_variance >= variance
    ):
        given = given.name
    if isinstance(given, str) and given not in able:
        raise InputError(
            f"estimator is {given!r}; for the {purpose} choose one of {', '.join(able)}"
        )
    return resolve(given, Estimator, able, "estimator")  # type: ignore[type-abstract]
