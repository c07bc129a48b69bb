"""Weights from a diagonal Laplace approximation, against closed forms."""

from dataclasses import replace

import numpy as np
import pytest
from baseline_checks import IMAGES, MODEL, PROBLEM, TRAIN, VARIANCE, check, check_keys
from linear_model import D, L, exact_diagonal, flat, weights

from slugkit.baselines.laplacian_autoencoder import LaplacianAutoencoder, choose_prior_precision
from slugkit.errors import InputError


def test_laplacian_autoencoder():
    precision = 3.0
    e, w = weights(MODEL)
    x = flat(IMAGES)
    z = x @ e
    variances = 1 / (exact_diagonal(MODEL, TRAIN) / VARIANCE + precision)
    of_w, of_e = variances[: L * D].reshape(L, D), variances[L * D :].reshape(D, L)
    # Products of two random changes have a variance of their own.
    of_latent = x**2 @ of_e
    exact = z**2 @ of_w + of_latent @ w**2 + of_latent @ of_w
    baseline = LaplacianAutoencoder(curvature_samples=400, prior_precision=precision)
    check(baseline.compare(PROBLEM), exact, slack=0.05)


def test_the_prior_precision_keeps_the_error_on_training_images_down():
    found = LaplacianAutoencoder().compare(replace(PROBLEM, images=TRAIN))
    error = np.sum(
        (np.asarray(MODEL.reconstruct()(MODEL.params, TRAIN)) - TRAIN) ** 2, axis=(1, 2, 3)
    )
    # The error of a sample is that of the trained weights plus its variance.
    assert found.score.mean() < 1.2 * error.mean()
    with pytest.raises(InputError, match="set its prior_precision"):
        choose_prior_precision(lambda a: 5.0, error=1.0)


def test_keys():
    check_keys(LaplacianAutoencoder())
