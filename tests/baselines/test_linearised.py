"""Baselines by products with the Jacobian, against closed forms for a linear autoencoder."""

from dataclasses import replace

import numpy as np
import pytest
from baseline_checks import IMAGES, MODEL, PROBLEM, TRAIN, check, check_keys
from linear_model import KEY, D, L, flat, jacobian, weights

from slugkit import slug
from slugkit.baselines.linearised import (
    JacobianNorm,
    SketchedLanczosUncertainty,
    Slug,
)
from slugkit.errors import InputError


def test_jacobian_norm():
    e, w = weights(MODEL)
    x = flat(IMAGES)
    z = x @ e
    exact = np.sum(z**2, axis=1)[:, None] + np.sum(x**2, axis=1)[:, None] * np.sum(w**2, axis=0)
    found = JacobianNorm().compare(PROBLEM)
    check(found, exact)
    assert found.cost.products == 400 + PROBLEM.rank


def test_the_jacobian_norm_is_exact_but_for_what_slug_leaves():
    """With the directions taken out that carry nearly all, hardly anything is left to chance."""
    e, w = weights(MODEL)
    x = flat(IMAGES)
    z = x @ e
    exact = D * np.sum(z**2, axis=1) + np.sum(x**2, axis=1) * np.sum(w**2)
    few = replace(PROBLEM, num_samples=4, rank=3 * L)
    found, slug_ = JacobianNorm().compare(few), Slug().compare(few)
    assert (np.abs(found.score - exact) < 6 * slug_.standard_error + 1e-4 * exact).all()
    np.testing.assert_allclose(found.standard_error, slug_.standard_error, rtol=1e-5)


def slug_variances(rank):
    tangents = jacobian(MODEL, TRAIN).reshape(-1, 2 * D * L)
    _, vectors = np.linalg.eigh(tangents.T @ tangents)
    outside = np.eye(2 * D * L) - vectors[:, -rank:] @ vectors[:, -rank:].T
    new = jacobian(MODEL, IMAGES)
    return np.einsum("ndp,pq,ndq->nd", new, outside, new)


def test_slug():
    found = Slug().compare(PROBLEM)
    check(found, slug_variances(PROBLEM.rank), slack=0.01)
    assert found.cost.memory_bytes == PROBLEM.rank * 2 * D * L * 4


def test_slug_takes_a_posterior_that_is_known():
    posterior = slug.fit(MODEL.reconstruct(), MODEL.params, TRAIN, rank=2, key=KEY)
    found = Slug().compare(replace(PROBLEM, posterior=posterior))
    check(found, slug_variances(2), slack=0.01)
    assert found.cost.training_passes == posterior.num_products


def test_sketched_lanczos_with_a_sketch_that_keeps_everything():
    found = SketchedLanczosUncertainty(num_steps=4, sketch_fraction=1.0).compare(PROBLEM)
    assert found.map is None
    solver = slug.SketchedLanczos(sketch_size=72)
    posterior = slug.fit(MODEL.reconstruct(), MODEL.params, TRAIN, rank=4, key=KEY, solver=solver)
    # A full sketch is a rotation: turned back, its rows are the directions that it takes out.
    rotation = posterior.sketched.sketch(np.eye(72))
    basis = posterior.sketched.rows @ rotation.T
    new = jacobian(MODEL, IMAGES)
    exact = np.sum(new**2, axis=(1, 2)) - np.sum((new @ basis.T) ** 2, axis=(1, 2))
    assert (exact > 0).all()
    assert (np.abs(found.score - exact) < 4 * found.standard_error).all()


def test_a_sketch_of_nothing_is_refused():
    with pytest.raises(InputError, match="sketch_fraction is 0"):
        SketchedLanczosUncertainty(sketch_fraction=0)


def test_keys():
    check_keys(JacobianNorm())
