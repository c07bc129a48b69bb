"""The score with a sketched basis as SLU estimates it, for comparison."""

from dataclasses import dataclass
from typing import ClassVar

import jax

from slugkit.estimators.budget import Budget
from slugkit.estimators.hutchinson import probe_outputs
from slugkit.estimators.interface import Estimates, ImageEstimator
from slugkit.operators.jacobian import Jacobian
from slugkit.posterior import Posterior, SketchedPosterior


@dataclass(frozen=True)
class PublishedSketch(ImageEstimator):
    r"""Estimate the score as the difference of a length and a sketched one.

    .. math:: \mathrm{Tr}(A) \approx \frac{1}{S} \sum_s |g_s|^2 - |U_s^T S g_s|^2, \qquad
              g_s = J^T \epsilon_s

    Where the basis takes out most of g the difference cancels, and may turn out negative; the
    standard error knows only of the probes.

    References
    ----------
    Miani, Beretta, Hauberg, NeurIPS (2024), algorithm 2; the paper's equation 7.
    """

    name: ClassVar[str] = "published_sketch"
    gives_variance: ClassVar[bool] = False
    takes: ClassVar[type[SketchedPosterior]] = SketchedPosterior

    distribution: str = "gaussian"

    def estimate_image(
        self,
        posterior: Posterior | SketchedPosterior,
        jacobian: Jacobian,
        budget: Budget,
        key: jax.Array,
    ) -> Estimates:
        """Return the score (1,) of one image."""
        assert isinstance(posterior, SketchedPosterior)
        forms = posterior.published_squared_norms
        made = probe_outputs(self.name, forms, jacobian, budget, key, self.distribution)
        return made, None
