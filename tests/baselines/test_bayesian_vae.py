"""Samples of the decoder's weights, against the stationary law of the chain."""

from dataclasses import replace

import numpy as np
import pytest
from baseline_checks import IMAGES, PROBLEM, TRAIN, VARIANCE, check, check_keys
from linear_model import D, L, flat, make_model, weights

from slugkit.baselines.bayesian_vae import BayesianVAE
from slugkit.errors import InputError


def test_bayesian_vae():
    model = make_model(standard_deviation=0.0)
    precision = 2.0
    e, _ = weights(model)
    known, z = flat(TRAIN) @ e, flat(IMAGES) @ e
    curvature = known.T @ known / VARIANCE + precision * np.eye(L)
    # With steps in proportion to the diagonal, the stationary law is known for each mode.
    scale = np.sqrt(np.diag(curvature))
    values, vectors = np.linalg.eigh(curvature / np.outer(scale, scale))
    fraction, friction = 0.5, 0.2
    stiffest = np.linalg.eigvalsh((curvature - precision * np.eye(L)) / np.outer(scale, scale))[-1]
    step = fraction / (stiffest + 1)
    inflation = 1 / (1 - step * values / (2 * (2 - friction)))
    root = vectors.T / scale
    exact = np.sum((z @ root.T) ** 2 * inflation / values, axis=1)[:, None].repeat(D, axis=1)
    baseline = BayesianVAE(
        prior_precision=precision,
        step=fraction,
        friction=friction,
        burn_in=500,
        thinning=40,
        curvature_samples=2000,
    )
    found = baseline.compare(replace(PROBLEM, model=model, batch_size=20))
    check(found, exact, slack=0.02)
    assert found.cost.forward_passes == 400


def test_a_chain_that_leaves_every_bound_is_stopped():
    with pytest.raises(InputError, match="lower its step"):
        BayesianVAE(step=1e20).compare(PROBLEM)


def test_keys():
    check_keys(BayesianVAE())
