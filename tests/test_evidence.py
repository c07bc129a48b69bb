"""The prior precision of the largest evidence, against that of the dense curvature."""

import jax
import numpy as np
import pytest
from small_model import KEY, apply, dense_jacobian, make_images, make_params

from slugkit import slug
from slugkit.errors import InputError
from slugkit.evidence import choose_prior_precision
from slugkit.operators.losses import gaussian

VARIANCE = 0.01


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def dense_evidence(params, images):
    """Return the evidence, up to a constant, as a function of the prior precision."""
    jacobian = dense_jacobian(params, images)
    values = np.linalg.eigvalsh(np.einsum("nip,niq->pq", jacobian, jacobian) / VARIANCE)
    squared = sum(float((np.asarray(leaf) ** 2).sum()) for leaf in jax.tree.leaves(params))
    return lambda a: -0.5 * (a * squared + np.log1p(np.maximum(values, 0) / a).sum())


def fitted(rank):
    params, images = make_params(np.float64), make_images(6, np.float64)
    hessian = gaussian(VARIANCE)
    return (
        params,
        images,
        hessian,
        slug.fit(
            apply,
            params,
            images,
            rank=rank,
            key=KEY,
            hessian=hessian,
            solver=slug.Lanczos(tolerance=1e-6),
        ),
    )


@pytest.mark.parametrize("rank", [0, 10])
def test_the_chosen_precision_is_that_of_the_dense_evidence(rank):
    params, images, hessian, posterior = fitted(rank)
    chosen = choose_prior_precision(
        posterior, images, key=KEY, hessian=hessian, num_samples=60, num_steps=12
    )
    evidence = dense_evidence(params, images)
    grid = np.geomspace(chosen.value / 100, chosen.value * 100, 40)
    dense = np.array([evidence(a) for a in grid])
    assert 0.6 < chosen.value / grid[np.argmax(dense)] < 1.6
    exact = evidence(chosen.value)
    assert abs(chosen.log_evidence - exact) < 4 * chosen.standard_error + 1e-6 * abs(exact)
    # Not worse than the dense optimum by more than what the estimate itself is unsure of.
    assert dense.max() - exact < 2 * chosen.standard_error + 0.5


def test_the_chosen_precision_can_be_used():
    _, images, hessian, posterior = fitted(5)
    chosen = choose_prior_precision(posterior, images, key=KEY, hessian=hessian)
    changed = posterior.with_prior(chosen.value)
    assert (slug.score(changed, images, num_samples=4, key=KEY).value > 0).all()
    assert chosen.num_products == 4 * 20


def test_a_sketched_basis_is_refused():
    params, images = make_params(), make_images(6)
    posterior = slug.fit(apply, params, images, rank=3, key=KEY, solver="sketched_lanczos")
    with pytest.raises(InputError, match="fit with solver='lanczos'"):
        choose_prior_precision(posterior, images, key=KEY)


def test_a_single_sample_is_refused():
    _, images, hessian, posterior = fitted(2)
    with pytest.raises(InputError, match="num_samples is 1"):
        choose_prior_precision(posterior, images, key=KEY, hessian=hessian, num_samples=1)
