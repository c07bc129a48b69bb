"""The score with a sketched basis, against the dense projector."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_model import KEY, apply, dense_jacobian, make_images, make_params

from slugkit import slug
from slugkit.errors import InputError

IMAGES = make_images(3, np.float64, seed=1)


def fitted(seed=0, **options):
    return slug.fit(
        apply,
        make_params(jnp.float64),
        make_images(9, np.float64),
        rank=4,
        key=jax.random.fold_in(KEY, seed),
        solver=slug.SketchedLanczos(**options),
    )


@pytest.mark.usefixtures("x64")
def test_it_is_the_default_and_its_standard_error_knows_of_the_sketch():
    """Probes without number leave the error of the sketch, which is the one stated then."""
    num_samples, errors, stated = 300, [], []
    jacobian = dense_jacobian(make_params(jnp.float64), IMAGES)
    # Of the same Krylov space, found as the rows that an orthogonal sketch turned.
    for seed in range(12):
        posterior = fitted(seed, sketch_size=60)
        whole = full(seed)
        truth = np.sum((jacobian - jacobian @ whole.T @ whole) ** 2, axis=(1, 2))
        made = slug.score(posterior, IMAGES, num_samples=num_samples, key=KEY)
        assert (made.value > 0).all()
        errors.append(made.value / truth - 1)
        stated.append(made.standard_error / made.value)
    ratio = np.sqrt(np.mean(np.square(errors))) / np.sqrt(np.mean(np.square(stated)))
    assert 0.5 < ratio < 1.6
    by_probes = slug.score(fitted(0), IMAGES, num_samples=num_samples, key=KEY).standard_error
    assert np.mean(stated) > 1.5 * np.mean(by_probes / made.value)


def full(seed):
    """Return the orthonormal Krylov space (m, p) of `fitted`."""
    size = fitted(seed).parameters.size
    posterior = fitted(seed, sketch_size=size)
    turned = posterior.sketched.sketch(np.eye(size))
    basis = posterior.sketched.rows @ np.linalg.pinv(turned)
    q, _ = np.linalg.qr(basis.T)
    return q.T


@pytest.mark.usefixtures("x64")
def test_a_goal_is_met_by_a_sketch_that_is_large_enough():
    posterior = fitted(sketch_size=300)
    made = slug.score(posterior, IMAGES, key=KEY, relative_error=0.1)
    assert (made.standard_error <= 0.1 * made.value).all()
    assert made.num_products > 10


@pytest.mark.usefixtures("x64")
def test_a_goal_out_of_reach_for_the_sketch_is_refused():
    with pytest.raises(InputError, match=r"the sketch alone leaves .*; fit with a larger sketch"):
        slug.score(fitted(sketch_size=20), IMAGES, key=KEY, relative_error=0.05)


def test_a_posterior_with_its_eigenvectors_is_refused():
    posterior = slug.fit(apply, make_params(), make_images(6), rank=2, key=KEY)
    for name in ("sketched_residual", "published_sketch"):
        with pytest.raises(InputError, match="is for a sketched posterior"):
            slug.score(posterior, make_images(2), key=KEY, estimator=name)
