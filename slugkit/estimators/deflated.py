"""Scores and pixel variances of whole batches, exact along the extra Ritz vectors of the fit."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import numpy as np
from jaxtyping import Float

from slugkit.checks.numbers import check_count
from slugkit.errors import InputError
from slugkit.estimators.budget import Budget
from slugkit.estimators.interface import Estimates, Estimator
from slugkit.estimators.pushforward import push_forward
from slugkit.posterior import Posterior, SketchedPosterior
from slugkit.progress import ProgressCallback


@dataclass(frozen=True)
class Deflated(Estimator):
    """Push the extra Ritz vectors forward first, and random directions outside of them then.

    Parameters
    ----------
    num_exact
        At most so many of the extra vectors; all by default. At least half of the products are
        left for the random part.

    References
    ----------
    `slugkit.estimators.pushforward.push_forward`.
    """

    name: ClassVar[str] = "deflated"

    num_exact: int | None = None

    def __post_init__(self) -> None:
        if self.num_exact is not None:
            check_count("num_exact", self.num_exact, 0)

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
        """Return the scores (n,) and the pixel variances (n, ...); see `Estimator`.

        Raises
        ------
        InputError
            The posterior has no extra Ritz vectors.
        """
        assert isinstance(posterior, Posterior)
        count = len(posterior.extra_vectors)
        if count == 0:
            raise InputError(
                "the estimator 'deflated' needs extra Ritz vectors, but the posterior has none; "
                "fit with solver=Lanczos(num_extra=50)"
            )
        if self.num_exact is not None:
            count = min(count, self.num_exact)
        if budget.num_products is not None:
            count = min(count, budget.num_products // 2)
        return push_forward(
            posterior,
            images,
            budget,
            key,
            num_exact=count,
            name=self.name,
            batch_size=batch_size,
            progress=progress,
        )
