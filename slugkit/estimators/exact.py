"""All pixel variances of one image, exactly, by as many products as it has outputs."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import numpy as np

from slugkit.estimators.budget import Budget
from slugkit.estimators.interface import Estimates, ImageEstimator, scaled
from slugkit.linalg.estimates import Estimate
from slugkit.operators.jacobian import Jacobian
from slugkit.posterior import Posterior, SketchedPosterior

OUTPUTS_PER_BLOCK = 16


@dataclass(frozen=True)
class Exact(ImageEstimator):
    r"""Compute all pixel variances and their sum by D products, :math:`A_{ii} = |B^T e_i|^2`.

    The budget is not looked at.
    """

    name: ClassVar[str] = "exact"

    def estimate_image(
        self,
        posterior: Posterior | SketchedPosterior,
        jacobian: Jacobian,
        budget: Budget,
        key: jax.Array,
    ) -> Estimates:
        """Return the score (1,) and the pixel variances (1, ...) of one image."""
        root, made = scaled(posterior, jacobian), []
        for start in range(0, jacobian.size, OUTPUTS_PER_BLOCK):
            count = min(OUTPUTS_PER_BLOCK, jacobian.size - start)
            made.append(np.sum(root.pull(np.eye(count, jacobian.size, start)) ** 2, axis=1))
        value = np.concatenate(made).reshape(1, *jacobian.shape)
        total = value.sum().reshape(1)
        return (
            Estimate(total, np.zeros_like(total), jacobian.size),
            Estimate(value, np.zeros_like(value), jacobian.size),
        )
