"""One problem for all baselines, whose uncertainties have closed forms."""

from dataclasses import replace

import jax
import numpy as np
from linear_model import KEY, SHAPE, make_images, make_model

from slugkit.baselines.interface import Problem

MODEL = make_model()
TRAIN, IMAGES = make_images(20), make_images(4, seed=1)
VARIANCE = 0.1
PROBLEM = Problem(
    MODEL,
    TRAIN,
    IMAGES,
    KEY,
    num_samples=400,
    batch_size=8,
    likelihood_variance=VARIANCE,
    rank=6,
)


def check(found, variances, *, slack=0.0):
    """Compare with exact variances (n, D): the score within 4 of its standard errors."""
    exact = variances.reshape(-1, *SHAPE).sum(axis=-1)
    scores = exact.sum(axis=(1, 2))
    assert (np.abs(found.score - scores) < 4 * found.standard_error + slack * scores).all()
    # The errors of a map's pixels are larger than those of their sum by no more than its root.
    np.testing.assert_allclose(found.map, exact, rtol=4 * np.sqrt(2 / PROBLEM.num_samples) + slack)
    np.testing.assert_allclose(found.map.sum(axis=(1, 2)), found.score, rtol=1e-4)


def check_keys(baseline):
    """The same key gives the same numbers, and another gives others."""
    few = replace(PROBLEM, num_samples=3)
    first, again = (baseline.compare(few).score for _ in range(2))
    np.testing.assert_array_equal(first, again)
    other = baseline.compare(replace(few, key=jax.random.key(9))).score
    assert (first != other).all()
