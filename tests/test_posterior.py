"""The posterior and what can be made of it."""

import re
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_model import KEY, apply, make_images, make_params

from slugkit import slug
from slugkit.errors import ClusterWarning, InputError


@pytest.fixture
def x64():
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="module")
def posterior():
    return slug.fit(
        apply, make_params(), make_images(9), rank=5, key=KEY, solver=slug.Lanczos(num_extra=3)
    )


@pytest.mark.usefixtures("x64")
def test_small_prior_precision_gives_the_projector():
    params, images = make_params(jnp.float64), make_images(6, np.float64)
    projector = slug.fit(apply, params, images, rank=3, key=KEY)
    with_prior = slug.fit(apply, params, images, rank=3, key=KEY, prior_precision=1e-12)
    expected = slug.score(projector, images, num_samples=20, key=KEY)
    scaled = slug.score(with_prior, images, num_samples=20, key=KEY)
    np.testing.assert_allclose(1e-12 * scaled.value, expected.value, rtol=1e-4)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_scores_do_not_depend_on_the_choice_of_basis_of_the_same_space(seed):
    posterior = slug.fit(apply, make_params(), make_images(5), rank=4, key=KEY)
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(4, 4)))
    turned = replace(posterior, basis=(rotation @ posterior.basis).astype(np.float32))
    images = make_images(3, seed=1)
    expected = slug.score(posterior, images, num_samples=6, key=KEY)
    made = slug.score(turned, images, num_samples=6, key=KEY)
    np.testing.assert_allclose(made.value, expected.value, rtol=1e-4)


@pytest.mark.parametrize("precision", [None, 0.3])
def test_the_square_root_of_the_covariance_squares_to_it(posterior, precision):
    one = posterior.with_prior(precision)
    size = one.parameters.size
    u, values = one.basis.astype(float), one.eigenvalues.astype(float)
    removed = np.ones(5) if precision is None else values / (values + precision)
    sigma = (np.eye(size) - (u.T * removed) @ u) / (1.0 if precision is None else precision)
    root = one.sqrt_covariance_product(np.eye(size, dtype=np.float32))
    np.testing.assert_allclose(root @ root.T, sigma, atol=1e-5 / (precision or 1.0))
    vectors = np.random.default_rng(0).normal(size=(4, size)).astype(np.float32)
    forms = np.einsum("ij,jk,ik->i", vectors, sigma, vectors)
    np.testing.assert_allclose(one.squared_norms(vectors), forms, rtol=1e-4)


def test_shrinkage_is_that_of_the_scaled_square_root(posterior):
    assert (posterior.shrinkage == 1).all()
    one = posterior.with_prior(2.0)
    along = one.sqrt_covariance_product(np.asarray(one.basis)) * np.sqrt(2.0)
    kept = np.sum(along * one.basis, axis=1)
    np.testing.assert_allclose(kept, 1 - one.shrinkage, atol=1e-5)


def test_deflation_takes_the_eigenvectors_out(posterior):
    vector = np.random.default_rng(0).normal(size=posterior.parameters.size).astype(np.float32)
    assert np.abs(posterior.basis @ posterior.deflate(vector)).max() < 1e-5


@pytest.mark.parametrize("rank", [0, 2, 5])
def test_truncation_moves_the_other_eigenvectors_to_the_extra_ones(posterior, rank):
    short = posterior.truncated(rank)
    assert short.rank == rank
    for name in ("basis", "eigenvalues", "residuals", "upper"):
        np.testing.assert_array_equal(getattr(short, name), getattr(posterior, name)[:rank])
    together = np.concatenate([short.basis, short.extra_vectors])
    whole = np.concatenate([posterior.basis, posterior.extra_vectors])
    np.testing.assert_array_equal(together, whole)


@pytest.mark.parametrize("rank", [-1, 6])
def test_ranks_beyond_that_of_the_posterior_are_refused(posterior, rank):
    with pytest.raises(InputError, match=f"rank is {rank}; give a number from 0 to .* 5"):
        posterior.truncated(rank)


@pytest.mark.parametrize("precision", [0.0, -1.0, np.inf])
def test_a_precision_that_is_not_positive_is_refused(posterior, precision):
    with pytest.raises(InputError, match="prior_precision is"):
        posterior.with_prior(precision)


def test_a_sketched_posterior_has_the_model_of_its_exact_part():
    params, images = make_params(), make_images(8)
    made = slug.fit(
        apply, params, images, rank=6, key=KEY, solver=slug.SketchedLanczos(num_exact=2)
    )
    assert (made.apply, made.image_shape) == (apply, images.shape[1:])
    assert made.parameters is made.exact.parameters
    assert made.rank == 2 + len(made.sketched.rows)
    assert made.num_products > made.exact.num_products
    vectors = np.random.default_rng(0).normal(size=(3, made.parameters.size)).astype(np.float32)
    published = made.published_squared_norms(vectors)
    assert (published < made.exact.squared_norms(vectors)).all()
    np.testing.assert_allclose(made.squared_norms(vectors), published, rtol=0.1)


def linear(params, images):
    return images @ params["encoder"] @ params["decoder"]


def linear_posterior(rank, seed=0, **options):
    """Fit to copies of one image: all eigenvalues of the decoder are equal."""
    random = np.random.default_rng(0)
    params = {
        "encoder": random.normal(size=(8, 3)).astype(np.float32),
        "decoder": random.normal(size=(3, 8)).astype(np.float32),
    }
    images = np.repeat(random.random((1, 8), np.float32), 9, axis=0)
    return slug.fit(linear, params, images, rank=rank, key=jax.random.key(seed), **options)


def decoder(name):
    return name == "decoder"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rank", [1, 3, 5, 7])
@pytest.mark.parametrize("solver", ["lanczos", "range_finder"])
def test_a_rank_that_cuts_a_cluster_is_said(rank, seed, solver):
    with pytest.warns(ClusterWarning) as caught:
        posterior = linear_posterior(rank, seed, parameter_filter=decoder, solver=solver)
    assert re.fullmatch(
        rf"rank {rank} cuts a cluster of equal eigenvalues: number {rank} is 32\.6\d+ and number "
        rf"{rank + 1} is 32\.6\d+, with residuals of \S+ and \S+; another seed gives other scores; "
        "choose a rank of 0, or one above all that are equal",
        str(caught[0].message),
    )
    assert posterior.cuts_cluster
    assert "the rank cuts a cluster of equal ones" in repr(posterior)
    assert "the rank cuts a cluster of equal ones" in posterior._repr_html_()


def test_a_rank_that_takes_the_whole_cluster_is_fine():
    posterior = linear_posterior(8, parameter_filter=decoder)
    assert not posterior.cuts_cluster
    with pytest.warns(ClusterWarning, match="rank 5 cuts a cluster"):
        assert posterior.truncated(5).cuts_cluster
    assert not posterior.truncated(0).cuts_cluster
    assert posterior.truncated(8) is posterior


def test_a_cluster_below_larger_eigenvalues_is_said():
    with pytest.warns(ClusterWarning, match="choose a rank of 3, or one above all that are equal"):
        posterior = linear_posterior(6)
    assert posterior.cuts_cluster


def test_a_posterior_shows_itself_on_one_screen(posterior):
    lines = repr(posterior.with_prior(0.5)).splitlines()
    assert lines[0] == "Posterior of rank 5"
    assert [re.split(r"  +", line.strip())[0] for line in lines[1:]] == [
        "parameters",
        "images",
        "products",
        "prior",
        "largest eigenvalue",
        "smallest",
        "the next",
        "extra vectors",
    ]
    text = "\n".join(lines)
    assert "325 parameters, 3 leaves uncertain and 0 fixed" in text
    assert f"{posterior.num_products} with the matrix, converged" in text
    assert "of precision 0.5" in text
    assert max(map(len, lines)) < 80
    html = posterior._repr_html_()
    assert "none (the projector)" in html
    assert len(html) < 2000


def test_a_sketched_posterior_shows_itself_too():
    made = slug.fit(
        apply,
        make_params(),
        make_images(8),
        rank=6,
        key=KEY,
        solver=slug.SketchedLanczos(num_exact=2),
    )
    assert repr(made).startswith(f"Sketched posterior of rank {made.rank}\n  parameters")
    assert "2 eigenvectors" in made._repr_html_()
