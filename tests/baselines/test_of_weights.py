"""Each comparator that asks the weights, against its closed form for a linear autoencoder."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from linear_model import KEY, SHAPE, D, L, flat, jacobian, make_images, make_model, weights

from slugkit import slug as method
from slugkit.baselines import (
    bayesian_vae,
    deep_ensemble,
    jacobian_norm,
    laplacian_autoencoder,
    last_layer_laplace,
    monte_carlo_dropout,
    sketched_lanczos,
    slug,
)
from slugkit.baselines.comparison import Settings
from slugkit.baselines.diagonal_curvature import diagonal
from slugkit.errors import InputError
from slugkit.operators.parameters import flatten

MODEL = make_model()
TRAIN, IMAGES = make_images(20), make_images(4, seed=1)
VARIANCE = 0.1
SETTINGS = Settings(num_samples=400, batch_size=8, likelihood_variance=VARIANCE, rank=6)


def check(found, variances, *, slack=0.0):
    """Compare with exact variances (n, D): the score within 4 of its standard errors."""
    exact = variances.reshape(-1, *SHAPE).sum(axis=-1)
    scores = exact.sum(axis=(1, 2))
    assert (np.abs(found.score - scores) < 4 * found.standard_error + slack * scores).all()
    # The errors of a map's pixels are larger than those of their sum by no more than its root.
    np.testing.assert_allclose(found.map, exact, rtol=4 * np.sqrt(2 / SETTINGS.num_samples) + slack)
    np.testing.assert_allclose(found.map.sum(axis=(1, 2)), found.score, rtol=1e-4)


def test_jacobian_norm():
    e, w = weights(MODEL)
    x = flat(IMAGES)
    z = x @ e
    exact = np.sum(z**2, axis=1)[:, None] + np.sum(x**2, axis=1)[:, None] * np.sum(w**2, axis=0)
    found = jacobian_norm.compare(MODEL, TRAIN, IMAGES, KEY, SETTINGS)
    check(found, exact)
    assert found.cost.training_passes == 0
    assert found.cost.products == 400


def slug_variances(rank):
    tangents = jacobian(MODEL, TRAIN).reshape(-1, 2 * D * L)
    _, vectors = np.linalg.eigh(tangents.T @ tangents)
    outside = np.eye(2 * D * L) - vectors[:, -rank:] @ vectors[:, -rank:].T
    new = jacobian(MODEL, IMAGES)
    return np.einsum("ndp,pq,ndq->nd", new, outside, new)


def test_slug():
    found = slug.compare(MODEL, TRAIN, IMAGES, KEY, SETTINGS)
    check(found, slug_variances(SETTINGS.rank), slack=0.01)
    assert found.cost.memory_bytes == SETTINGS.rank * 2 * D * L * 4


def test_slug_takes_a_posterior_that_is_known():
    posterior = method.fit(MODEL.reconstruct(), MODEL.params, TRAIN, rank=2, key=KEY)
    found = slug.compare(MODEL, TRAIN, IMAGES, KEY, replace(SETTINGS, posterior=posterior))
    check(found, slug_variances(2), slack=0.01)
    assert found.cost.training_passes == posterior.num_products


def test_sketched_lanczos_with_a_sketch_that_keeps_everything():
    few = replace(SETTINGS, sketch_steps=4, sketch_share=1.0)
    found = sketched_lanczos.compare(MODEL, TRAIN, IMAGES, KEY, few)
    assert found.map is None
    posterior = method.fit(
        MODEL.reconstruct(), MODEL.params, TRAIN, rank=4, key=KEY, basis="sketched", sketch_size=72
    )
    assert posterior.sketched is not None
    # A full sketch is a rotation: turned back, its rows are the directions that it takes out.
    rotation = posterior.sketched.sketch(np.eye(72))
    basis = posterior.sketched.rows @ rotation.T
    new = jacobian(MODEL, IMAGES)
    exact = np.sum(new**2, axis=(1, 2)) - np.sum((new @ basis.T) ** 2, axis=(1, 2))
    assert (exact > 0).all()
    assert (np.abs(found.score - exact) < 4 * found.standard_error).all()


def test_last_layer_laplace():
    e, _ = weights(MODEL)
    known, z = flat(TRAIN) @ e, flat(IMAGES) @ e
    covariance = np.linalg.inv(known.T @ known + VARIANCE * np.eye(L))
    exact = np.einsum("nl,lm,nm->n", z, covariance, z)[:, None].repeat(D, axis=1)
    # G has three eigenvalues, each as often as there are outputs.
    full = replace(SETTINGS, rank=D * L, tolerance=1e-4)
    found = last_layer_laplace.compare(MODEL, TRAIN, IMAGES, KEY, full)
    check(found, exact, slack=0.01)


def exact_diagonal():
    """The diagonal of G in the order of the flattened parameters, W before E."""
    return np.sum(jacobian(MODEL, TRAIN) ** 2, axis=(0, 1))


def test_the_diagonal_of_g_has_the_stated_error():
    estimate = diagonal(
        MODEL.reconstruct(), flatten(MODEL.params), TRAIN, num_samples=200, batch_size=20, key=KEY
    )
    relative = estimate / exact_diagonal() - 1
    assert np.sqrt(np.mean(relative**2)) == pytest.approx(np.sqrt(2 / 200), rel=0.3)
    assert abs(relative.mean()) < 0.05


def test_the_diagonal_does_not_count_padding():
    parts = [
        diagonal(
            MODEL.reconstruct(),
            flatten(MODEL.params),
            TRAIN,
            num_samples=800,
            batch_size=b,
            key=KEY,
        )
        for b in (8, 20)
    ]
    np.testing.assert_allclose(parts[0] / parts[1], 1, atol=5 * np.sqrt(4 / 800))


def test_laplacian_autoencoder():
    precision = 3.0
    e, w = weights(MODEL)
    x = flat(IMAGES)
    z = x @ e
    variances = 1 / (exact_diagonal() / VARIANCE + precision)
    of_w, of_e = variances[: L * D].reshape(L, D), variances[L * D :].reshape(D, L)
    # Products of two deviations have a variance of their own.
    of_latent = x**2 @ of_e
    exact = z**2 @ of_w + of_latent @ w**2 + of_latent @ of_w
    many = replace(SETTINGS, laplace_prior_precision=precision, curvature_samples=400)
    check(laplacian_autoencoder.compare(MODEL, TRAIN, IMAGES, KEY, many), exact, slack=0.05)


def test_the_prior_precision_keeps_the_error_on_training_images_down():
    found = laplacian_autoencoder.compare(MODEL, TRAIN, TRAIN, KEY, SETTINGS)
    error = np.sum(
        (np.asarray(MODEL.reconstruct()(MODEL.params, TRAIN)) - TRAIN) ** 2, axis=(1, 2, 3)
    )
    # The error of a sample is that of the trained weights plus its variance.
    assert found.score.mean() < 1.2 * error.mean()
    with pytest.raises(InputError, match="set laplace_prior_precision"):
        laplacian_autoencoder.choose_prior_precision(lambda a: 5.0, error=1.0)


def test_bayesian_vae():
    model = make_model(deviation=0.0)
    precision = 2.0
    e, _ = weights(model)
    known, z = flat(TRAIN) @ e, flat(IMAGES) @ e
    curvature = known.T @ known / VARIANCE + precision * np.eye(L)
    # With steps in proportion to the diagonal, the stationary law is known for each mode.
    scale = np.sqrt(np.diag(curvature))
    values, vectors = np.linalg.eigh(curvature / np.outer(scale, scale))
    share, friction = 0.5, 0.2
    stiffest = np.linalg.eigvalsh((curvature - precision * np.eye(L)) / np.outer(scale, scale))[-1]
    step = share / (stiffest + 1)
    inflation = 1 / (1 - step * values / (2 * (2 - friction)))
    root = vectors.T / scale
    exact = np.sum((z @ root.T) ** 2 * inflation / values, axis=1)[:, None].repeat(D, axis=1)
    long = replace(
        SETTINGS,
        batch_size=20,
        curvature_samples=2000,
        mcmc_prior_precision=precision,
        mcmc_step=share,
        mcmc_friction=friction,
        mcmc_burn_in=500,
        mcmc_thinning=40,
    )
    found = bayesian_vae.compare(model, TRAIN, IMAGES, KEY, long)
    check(found, exact, slack=0.02)
    assert found.cost.forward_passes == 400


def test_a_chain_that_leaves_every_bound_is_stopped():
    wild = replace(SETTINGS, mcmc_step=1e20)
    with pytest.raises(InputError, match="lower mcmc_step"):
        bayesian_vae.compare(MODEL, TRAIN, IMAGES, KEY, wild)


def test_monte_carlo_dropout():
    rate = 0.25
    e, w = weights(MODEL)
    exact = rate / (1 - rate) * flat(IMAGES) ** 2 @ (e @ w) ** 2
    found = monte_carlo_dropout.compare(make_model(rate=rate), TRAIN, IMAGES, KEY, SETTINGS)
    check(found, exact)


def test_deep_ensemble():
    models = [make_model(seed) for seed in range(5)]
    outputs = [flat(IMAGES) @ np.linalg.multi_dot(weights(model)) for model in models]
    found = deep_ensemble.compare(models, TRAIN, IMAGES, KEY, SETTINGS)
    exact = np.var(outputs, axis=0, ddof=1).reshape(-1, *SHAPE).sum(axis=-1)
    np.testing.assert_allclose(found.map, exact, rtol=1e-4)
    assert found.cost.trainings == 5
    assert found.cost.memory_bytes == 4 * 2 * D * L * 4


def test_the_same_key_gives_the_same_numbers_and_another_gives_others():
    few = replace(SETTINGS, num_samples=3)
    for one in (jacobian_norm, laplacian_autoencoder, bayesian_vae):
        first, again = (one.compare(MODEL, TRAIN, IMAGES, KEY, few).score for _ in range(2))
        np.testing.assert_array_equal(first, again)
        other = one.compare(MODEL, TRAIN, IMAGES, jax.random.key(9), few).score
        assert (first != other).all()
