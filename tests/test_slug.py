"""The public functions against the dense Jacobian of a small model."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_model import (
    KEY,
    SHAPE,
    apply,
    dense_jacobian,
    dense_variance,
    make_images,
    make_params,
)

from slugkit import slug
from slugkit.errors import InputError
from slugkit.operators import ggn


@pytest.fixture
def x64():
    with jax.enable_x64(True):
        yield


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("batch_size", [None, 1, 4])
@pytest.mark.parametrize("only_decoder", [False, True])
def test_fit_finds_the_leading_eigenpairs(batch_size, only_decoder):
    params, images = make_params(jnp.float64), make_images(9, np.float64)
    select = (lambda name: name.startswith("decoder")) if only_decoder else None
    jacobian = dense_jacobian(params, images, select)
    values, vectors = np.linalg.eigh(np.einsum("nip,niq->pq", jacobian, jacobian))
    posterior = slug.fit(
        apply,
        params,
        images,
        rank=5,
        key=KEY,
        batch_size=batch_size,
        tolerance=1e-10,
        max_products=values.size,
        parameter_filter=select,
    )
    np.testing.assert_allclose(posterior.eigenvalues, values[::-1][:5], rtol=1e-10)
    overlap = np.abs(posterior.basis @ vectors[:, ::-1][:, :5])
    np.testing.assert_allclose(overlap, np.eye(5), atol=1e-7)
    assert posterior.residuals.max() <= 1e-9 * values[-1]
    assert (values[::-1][:5] <= posterior.upper * (1 + 1e-10)).all()
    assert posterior.converged
    assert posterior.rank == 5
    assert posterior.num_products <= values.size


@pytest.fixture(scope="module")
def posteriors():
    """Return posteriors in float64 with and without a prior, and the exact maps of three images."""
    with jax.enable_x64(True):
        params, images = make_params(jnp.float64), make_images(9, np.float64)
        test_images = make_images(3, np.float64, seed=1)
        jacobian = dense_jacobian(params, test_images)
        made = {}
        for rank, prior_precision in ((0, None), (4, None), (4, 0.5)):
            posterior = slug.fit(
                apply,
                params,
                images,
                rank=rank,
                key=KEY,
                prior_precision=prior_precision,
                num_further=4,
            )
            exact = dense_variance(jacobian, posterior).reshape(3, *SHAPE)
            made[rank, prior_precision] = posterior, exact
        return test_images, made


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("setting", [(0, None), (4, None), (4, 0.5)])
@pytest.mark.parametrize(
    ("estimator", "num_samples"),
    [
        ("pushforward", 400),
        ("deflated", 400),
        ("krylov", 30),
        ("hutchinson", 400),
    ],
)
def test_scores_agree_with_the_dense_jacobian(posteriors, setting, estimator, num_samples):
    test_images, made = posteriors
    posterior, exact = made[setting]
    if estimator == "deflated" and setting[0] == 0:
        pytest.skip("a fit of rank 0 has no Lanczos vectors")
    score = slug.score(
        posterior,
        test_images,
        num_samples=num_samples,
        key=KEY,
        batch_size=2,
        estimator=estimator,
    )
    assert score.value.shape == score.standard_error.shape == (3,)
    assert num_samples - 2 <= score.num_products <= num_samples
    deviations = (score.value - exact.sum(axis=(1, 2, 3))) / score.standard_error
    assert np.abs(deviations).max() < 5
    assert (score.standard_error < 0.1 * score.value).all()


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("setting", [(0, None), (4, None), (4, 0.5)])
@pytest.mark.parametrize(
    ("estimator", "num_samples"),
    [("pushforward", 400), ("deflated", 400), ("krylov", 60), ("bekas", 800)],
)
def test_maps_agree_with_the_dense_jacobian(posteriors, setting, estimator, num_samples):
    test_images, made = posteriors
    posterior, exact = made[setting]
    if estimator == "deflated" and setting[0] == 0:
        pytest.skip("a fit of rank 0 has no Lanczos vectors")
    variance = slug.pixel_variance(
        posterior,
        test_images,
        num_samples=num_samples,
        key=KEY,
        batch_size=2,
        estimator=estimator,
    )
    assert variance.value.shape == variance.standard_error.shape == test_images.shape
    assert num_samples - 2 <= variance.num_products <= num_samples
    deviations = (variance.value - exact) / variance.standard_error
    assert np.abs(deviations).max() < 6
    assert np.sqrt((deviations**2).mean()) < 1.6


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("estimator", ["hutchpp", "xtrace", "xnystrace", "xnysdiag"])
def test_estimators_for_comparison_agree_with_the_dense_jacobian(posteriors, estimator):
    test_images, made = posteriors
    posterior, exact = made[4, None]
    estimate = slug.pixel_variance if estimator == "xnysdiag" else slug.score
    result = estimate(posterior, test_images, num_samples=40, key=KEY, estimator=estimator)
    truth = exact if estimator == "xnysdiag" else exact.sum(axis=(1, 2, 3))
    assert result.num_products == 40
    np.testing.assert_allclose(result.value, truth, atol=0.1 * truth.max())
    with pytest.raises(InputError, match="needs num_samples"):
        estimate(posterior, test_images, relative_error=0.1, key=KEY, estimator=estimator)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("setting", [(0, None), (4, None), (4, 0.5)])
def test_the_exact_estimator_is_exact(posteriors, setting):
    test_images, made = posteriors
    posterior, exact = made[setting]
    both = slug.score_and_variance(posterior, test_images, key=KEY, estimator="exact")
    np.testing.assert_allclose(both.variance.value, exact, rtol=1e-8)
    np.testing.assert_allclose(both.score.value, exact.sum(axis=(1, 2, 3)), rtol=1e-8)
    assert both.score.num_products == 32


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("estimator", ["pushforward", "deflated", "krylov", "hutchinson"])
@pytest.mark.parametrize("goal", [0.2, 0.05])
def test_scores_stop_at_the_target(posteriors, estimator, goal):
    test_images, made = posteriors
    posterior, exact = made[4, None]
    score = slug.score(posterior, test_images, key=KEY, estimator=estimator, relative_error=goal)
    assert (score.standard_error <= goal * score.value).all()
    errors = score.value / exact.sum(axis=(1, 2, 3)) - 1
    assert np.abs(errors).max() < 5 * goal
    capped = slug.score(
        posterior,
        test_images,
        key=KEY,
        estimator=estimator,
        relative_error=1e-9,
        num_samples=20,
    )
    assert capped.num_products <= 20


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("estimator", ["pushforward", "deflated", "krylov", "bekas"])
def test_maps_stop_at_the_target(posteriors, estimator):
    test_images, made = posteriors
    posterior, exact = made[4, None]
    goal = 0.15
    variance = slug.pixel_variance(
        posterior, test_images, key=KEY, estimator=estimator, relative_error=goal
    )
    errors = np.linalg.norm((variance.value - exact).reshape(3, -1), axis=1)
    assert (errors < 3 * goal * np.linalg.norm(exact.reshape(3, -1), axis=1)).all()
    if estimator == "pushforward":
        assert 2 / goal**2 <= variance.num_products < 2 / goal**2 + 16


@pytest.mark.usefixtures("x64")
def test_krylov_needs_fewer_products_than_all_others(posteriors):
    test_images, made = posteriors
    posterior, exact = made[4, None]
    goal = 0.05
    options = {"key": KEY, "relative_error": goal}
    spent = {
        estimator: slug.pixel_variance(
            posterior, test_images, estimator=estimator, **options
        ).num_products
        for estimator in ("krylov", "deflated", "pushforward")
    }
    # What is exact leaves less to chance, but costs its own products.
    samples = spent["deflated"] - len(posterior.further)
    assert spent["krylov"] < samples <= spent["pushforward"]
    # As many as the part of the hardest map that is left to chance wants, up to a block or two.
    jacobian = dense_jacobian(make_params(jnp.float64), test_images)
    known = np.sum((jacobian @ posterior.further.T) ** 2, axis=2).reshape(exact.shape)
    left = [np.linalg.norm(e - k) / np.linalg.norm(e) for e, k in zip(exact, known, strict=True)]
    assert abs(samples - 2 * (max(left) / goal) ** 2) <= 32


def test_score_and_map_alone_equal_those_made_together():
    params, images = make_params(), make_images(6)
    posterior = slug.fit(apply, params, images, rank=3, key=KEY)
    both = slug.score_and_variance(posterior, images, num_samples=40, key=KEY)
    score = slug.score(posterior, images, num_samples=40, key=KEY)
    variance = slug.pixel_variance(posterior, images, num_samples=40, key=KEY)
    np.testing.assert_allclose(score.value, both.score.value, rtol=1e-6)
    np.testing.assert_array_equal(variance.value, both.variance.value)
    np.testing.assert_allclose(variance.value.sum(axis=(1, 2, 3)), score.value, rtol=1e-5)


def test_scores_follow_a_permutation_of_the_images():
    params, images = make_params(), make_images(7)
    posterior = slug.fit(apply, params, images, rank=3, key=KEY)
    order = np.random.default_rng(0).permutation(7)
    straight = slug.score(posterior, images, num_samples=5, key=KEY, batch_size=3)
    shuffled = slug.score(posterior, images[order], num_samples=5, key=KEY, batch_size=2)
    np.testing.assert_allclose(shuffled.value, straight.value[order], rtol=1e-5)


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


@settings(max_examples=10, deadline=None)
@given(variance=st.floats(1e-3, 1e3))
def test_scaling_the_loss_scales_the_eigenvalues_and_leaves_the_scores(variance):
    params, images = make_params(), make_images(5)
    plain = slug.fit(apply, params, images, rank=4, key=KEY, tolerance=1e-4)
    scaled = slug.fit(
        apply, params, images, rank=4, key=KEY, tolerance=1e-4, hessian=ggn.gaussian(variance)
    )
    np.testing.assert_allclose(variance * scaled.eigenvalues, plain.eigenvalues, rtol=1e-4)
    expected, made = (slug.score(p, images, num_samples=6, key=KEY) for p in (plain, scaled))
    np.testing.assert_allclose(made.value, expected.value, rtol=1e-2)


def test_save_and_load_return_the_same_posterior(tmp_path):
    params, images = make_params(), make_images(4)
    posterior = slug.fit(
        apply,
        params,
        images,
        rank=2,
        key=KEY,
        prior_precision=2.0,
        parameter_filter=lambda name: "decoder" in name,
    )
    slug.save(posterior, tmp_path / "posterior.npz")
    loaded = slug.load(tmp_path / "posterior.npz", apply, params)
    before = slug.score(posterior, images, num_samples=4, key=KEY)
    after = slug.score(loaded, images, num_samples=4, key=KEY)
    np.testing.assert_array_equal(after.value, before.value)
    assert loaded.num_products == posterior.num_products
    np.testing.assert_array_equal(loaded.upper, posterior.upper)
    assert loaded.converged == posterior.converged
    assert [file.name for file in tmp_path.iterdir()] == ["posterior.npz"]


def test_a_file_without_upper_bounds_loads_as_not_verified(tmp_path):
    params, images = make_params(), make_images(4)
    path = tmp_path / "posterior.npz"
    posterior = slug.fit(apply, params, images, rank=2, key=KEY)
    slug.save(posterior, path)
    with np.load(path) as archive:
        older = {name: archive[name] for name in archive if name != "upper"}
    np.savez(path, **older)
    loaded = slug.load(path, apply, params)
    np.testing.assert_array_equal(loaded.basis, posterior.basis)
    assert posterior.converged
    assert not loaded.converged
    assert np.isinf(loaded.upper).all()


def test_load_refuses_other_parameters_and_broken_files(tmp_path):
    params, images = make_params(), make_images(4)
    path = tmp_path / "posterior.npz"
    with pytest.raises(InputError, match="there is no posterior"):
        slug.load(path, apply, params)
    slug.save(slug.fit(apply, params, images, rank=2, key=KEY), path)
    other = jax.tree.map(lambda leaf: leaf * 1.01, params)
    with pytest.raises(InputError, match="other parameters"):
        slug.load(path, apply, other)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match="cut short"):
        slug.load(path, apply, params)


class Killed(Exception):
    """Stands for the end of the process."""


def test_a_killed_fit_continues_to_the_same_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr("slugkit.linalg.lanczos.SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    params, images = make_params(), make_images(8)
    options = {"rank": 6, "key": KEY, "tolerance": 1e-5, "batch_size": 4}
    whole = slug.fit(apply, params, images, **options)
    calls = []

    def kill(done, total, message):
        calls.append(done)
        if len(calls) in (3, 9):
            raise Killed

    path = tmp_path / "fit.npz"
    for _ in range(2):
        with pytest.raises(Killed):
            slug.fit(apply, params, images, checkpoint=path, progress=kill, **options)
    resumed = slug.fit(apply, params, images, checkpoint=path, progress=kill, **options)
    np.testing.assert_array_equal(resumed.basis, whole.basis)
    np.testing.assert_array_equal(resumed.eigenvalues, whole.eigenvalues)
    assert calls.count(1) == 1
    with pytest.raises(InputError, match="other parameters"):
        slug.fit(apply, params, images[:7], checkpoint=path, **options)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rank": -1}, "rank is -1"),
        ({"rank": 10_000}, "rank is 10000"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"prior_precision": 0.0}, "prior_precision is 0"),
        ({"max_products": 3}, "max_products is 3"),
        ({"basis": "other"}, "basis is 'other'"),
        ({"images": make_images(0)}, "at least one image"),
        ({"images": (255 * make_images(3)).astype(np.uint8)}, "type uint8"),
        ({"images": np.full((3, *SHAPE), np.nan, np.float32)}, "image 0 has values"),
        ({"params": {"steps": np.arange(3)}}, "'steps' has type int64"),
        ({"params": {"kernel": np.array([np.inf])}}, "'kernel' has values that are not finite"),
        ({"parameter_filter": lambda name: False}, "no parameters selected"),
        ({"apply": lambda p, x: apply(p, x) / 0}, "outputs are not finite for images 0 to 2"),
        ({"apply": lambda p, x: apply(p, x).sum(axis=0)}, "first axis counts"),
        ({"apply": lambda p, x: apply(p, x - x.mean(axis=0))}, "batch normalisation"),
    ],
)
def test_fit_refuses_bad_input(change, message):
    arguments = {"apply": apply, "params": make_params(), "images": make_images(3), "rank": 4}
    arguments |= change
    with pytest.raises(InputError, match=message):
        slug.fit(**arguments, key=KEY)


def test_fit_refuses_a_model_with_dropout():
    rng = np.random.default_rng(0)

    def noisy(params, images):
        return apply(params, images) * rng.uniform(size=images.shape)

    with pytest.raises(InputError, match="switch off dropout"):
        slug.fit(noisy, make_params(), make_images(3), rank=2, key=KEY)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_samples": 0}, "num_samples is 0"),
        ({"estimator": "other"}, "estimator is 'other'"),
        ({"images": np.zeros((2, 5, 4, 2), np.float32)}, "each image has shape"),
    ],
)
def test_score_refuses_bad_input(change, message):
    posterior = slug.fit(apply, make_params(), make_images(3), rank=2, key=KEY)
    arguments = {"images": make_images(3), "num_samples": 2} | change
    with pytest.raises(InputError, match=message):
        slug.score(posterior, **arguments, key=KEY)


def test_the_error_of_a_single_sample_is_unknown():
    posterior = slug.fit(apply, make_params(), make_images(3), rank=2, key=KEY)
    assert np.isinf(
        slug.score(posterior, make_images(3), num_samples=1, key=KEY).standard_error
    ).all()


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(
    ("hessian", "loss"),
    [
        (ggn.gaussian(0.3), lambda y: 0.5 * (y**2).sum() / 0.3),
        (ggn.bernoulli(), lambda y: jnp.logaddexp(0, y).sum()),
        (ggn.categorical(), lambda y: jax.nn.logsumexp(y, axis=-1).sum()),
        (
            ggn.perceptual(lambda y: {"a": y[..., 0] * 3, "b": y * 2}, 0.7),
            lambda y: (
                0.5 * (y**2).sum()
                + 0.7 * 0.5 * ((3 * y[..., 0]) ** 2).mean()
                + 0.7 * 0.5 * ((2 * y) ** 2).mean()
            ),
        ),
    ],
)
def test_loss_hessians_agree_with_second_derivatives(hessian, loss):
    y, t = np.random.default_rng(0).normal(size=(2, 3, 4, 4, 2))
    expected = jnp.stack(
        [jax.jvp(jax.grad(loss), (one,), (v,))[1] for one, v in zip(y, t, strict=True)]
    )
    np.testing.assert_allclose(hessian(jnp.asarray(y), jnp.asarray(t)), expected, rtol=1e-9)
