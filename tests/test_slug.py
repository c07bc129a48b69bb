"""The public functions, whatever the solver and the estimator."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen
from hypothesis import given, settings
from hypothesis import strategies as st
from small_model import (
    KEY,
    SHAPE,
    apply,
    make_images,
    make_params,
)

from slugkit import slug
from slugkit.errors import CostWarning, InputError
from slugkit.estimators.fixed_budget import FixedBudget
from slugkit.estimators.interface import estimators
from slugkit.operators.losses import gaussian
from slugkit.posterior import SketchedPosterior


def test_score_and_map_alone_equal_those_made_together():
    params, images = make_params(), make_images(6)
    posterior = slug.fit(apply, params, images, rank=3, key=KEY)
    both = slug.score_and_variance(posterior, images, num_samples=40, key=KEY)
    score = slug.score(posterior, images, num_samples=40, key=KEY)
    variance = slug.pixel_variance(posterior, images, num_samples=40, key=KEY)
    np.testing.assert_allclose(score.value, both.score.value, rtol=1e-6)
    np.testing.assert_array_equal(variance.value, both.variance.value)
    np.testing.assert_allclose(variance.value.sum(axis=(1, 2, 3)), score.value, rtol=1e-5)


@settings(max_examples=10, deadline=None)
@given(variance=st.floats(1e-3, 1e3))
def test_scaling_the_loss_scales_the_eigenvalues_and_leaves_the_scores(variance):
    params, images = make_params(), make_images(5)
    options = {"rank": 4, "key": KEY, "solver": slug.Lanczos(tolerance=1e-4)}
    plain = slug.fit(apply, params, images, **options)
    scaled = slug.fit(apply, params, images, hessian=gaussian(variance), **options)
    np.testing.assert_allclose(variance * scaled.eigenvalues, plain.eigenvalues, rtol=1e-4)
    expected, made = (slug.score(p, images, num_samples=6, key=KEY) for p in (plain, scaled))
    np.testing.assert_allclose(made.value, expected.value, rtol=1e-2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rank": -1}, "rank is -1"),
        ({"rank": 10_000}, "rank is 10000"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"prior_precision": 0.0}, "prior_precision is 0"),
        ({"solver": slug.Lanczos(max_products=3)}, "max_products is 3"),
        ({"solver": "other"}, "solver is 'other'"),
        ({"key": 0}, "key is 0; give one random key"),
        ({"subset_size": 4}, "subset_size is 4; give a number from 1 to that of the images, 3"),
        ({"images": make_images(0)}, "at least one image"),
        ({"images": (255 * make_images(3)).astype(np.uint8)}, "type uint8"),
        ({"images": np.full((3, *SHAPE), np.nan, np.float32)}, "image 0 has values"),
        ({"params": {"steps": np.arange(3)}}, "no parameters selected: none of 1 leaves"),
        ({"params": {"kernel": np.array([np.inf])}}, "'kernel' has values that are not finite"),
        ({"parameter_filter": lambda name: False}, "no parameters selected"),
        ({"apply": lambda p, x: apply(p, x) / 0}, "output for image 0 is not finite"),
        ({"apply": lambda p, x: apply(p, x).sum(axis=0)}, "first axis counts"),
        ({"apply": lambda p, x: apply(p, x - x.mean(axis=0))}, "batch normalisation"),
    ],
)
def test_fit_refuses_bad_input(change, message):
    arguments = {"apply": apply, "params": make_params(), "images": make_images(3), "rank": 4}
    arguments |= change
    with pytest.raises(InputError, match=message):
        slug.fit(**({"key": KEY} | arguments))


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
        ({"key": None}, "key is None"),
        ({"batch_size": -1}, "batch_size is -1"),
        ({"images": np.zeros((2, 5, 4, 2), np.float32)}, "each image has shape"),
    ],
)
def test_score_refuses_bad_input(change, message):
    posterior = slug.fit(apply, make_params(), make_images(3), rank=2, key=KEY)
    arguments = {"images": make_images(3), "num_samples": 2} | change
    with pytest.raises(InputError, match=message):
        slug.score(posterior, **({"key": KEY} | arguments))


def test_fit_takes_at_most_twelve_arguments():
    assert len(inspect.signature(slug.fit).parameters) <= 12


def test_a_subset_stands_for_all_images():
    """Of equal images any half has half of the curvature, which the factor makes up for."""
    images = np.repeat(make_images(1), 8, axis=0)
    whole, half = (
        slug.fit(apply, make_params(), images, rank=3, key=KEY, subset_size=size)
        for size in (None, 4)
    )
    np.testing.assert_allclose(half.eigenvalues, whole.eigenvalues, rtol=1e-4)


def coarse_outputs(kind):
    return lambda params, images: apply(params, images).astype(kind)


def coarse_inside(kind):
    def model(params, images):
        coarse = jax.tree.map(lambda leaf: leaf.astype(kind), params)
        return apply(coarse, images.astype(kind)).astype(jnp.float32)

    return model


def fit_small(model, **options):
    solver = slug.Lanczos(num_extra=3)
    options = {"rank": 4, "key": KEY, "solver": solver} | options
    return slug.fit(model, make_params(), make_images(9), **options)


def solver_for(estimator):
    """Return the solver of a posterior that the estimator takes."""
    sketched = estimators()[estimator].takes is SketchedPosterior
    return slug.SketchedLanczos(sketch_size=80) if sketched else slug.Lanczos(num_extra=3)


@pytest.fixture(scope="module")
def in_float32():
    return fit_small(apply)


@pytest.mark.parametrize("kind", [jnp.bfloat16, jnp.float16])
@pytest.mark.parametrize("where", [coarse_outputs, coarse_inside])
@pytest.mark.parametrize("estimator", sorted(estimators()))
def test_half_precision_agrees_with_single(where, kind, estimator):
    """Each score and map is within three standard errors of that in float32."""
    solver = solver_for(estimator)
    posterior, single = (fit_small(one, solver=solver) for one in (where(kind), apply))
    images = make_images(3, seed=1)
    one = estimators()[estimator]
    for estimate, able in (
        (slug.score, one.gives_score),
        (slug.pixel_variance, one.gives_variance),
    ):
        if able:
            options = {"num_samples": 100, "key": KEY, "estimator": estimator}
            made = estimate(posterior, images, **options)
            expected = estimate(single, images, **options)
            assert np.isfinite(made.standard_error).all()
            off, stated = (
                np.linalg.norm(part.reshape(3, -1), axis=1)
                for part in (made.value - expected.value, made.standard_error)
            )
            assert (off <= 3 * stated).all()


@pytest.mark.parametrize("kind", [jnp.bfloat16, jnp.float16])
def test_many_samples_in_half_precision_are_summed_in_single(in_float32, kind):
    images, options = make_images(2, seed=1), {"num_samples": 2000, "key": KEY}
    made, expected = (
        slug.score_and_variance(one, images, **options)
        for one in (fit_small(coarse_outputs(kind)), in_float32)
    )
    np.testing.assert_allclose(made.score.value, expected.score.value, rtol=1e-3)
    np.testing.assert_allclose(made.variance.value, expected.variance.value, rtol=1e-2, atol=1e-5)
    allowed = np.sqrt(2 / 2000) * 1.1 + jnp.finfo(kind).eps
    assert (made.score.standard_error < allowed * made.score.value).all()


def test_parameters_in_half_precision_serve_too():
    params = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), make_params())
    posterior = slug.fit(
        lambda p, x: apply(p, x.astype(jnp.bfloat16)), params, make_images(9), rank=4, key=KEY
    )
    for estimator in ("pushforward", "krylov"):
        made = slug.score(posterior, make_images(3), num_samples=60, key=KEY, estimator=estimator)
        assert (made.standard_error < 0.3 * made.value).all()


def rooted(params, images):
    """Have outputs that are finite, and derivatives that are not where the image is black."""
    flat = images.reshape(len(images), -1) @ params["encoder"]["kernel"]
    return apply(params, images) * jnp.sqrt(jnp.sum(flat**2, axis=1))[:, None, None, None]


def with_black(count, place):
    images = make_images(count, seed=1)
    images[place] = 0
    return images


def derivative_message(image):
    return (
        f"the model's derivative in its parameters is not finite at image {image}; look for a "
        "root, a norm or a logarithm at 0, as in jnp.sqrt(x), and write jnp.sqrt(x + 1e-12); or "
        "for an overflow in float16"
    )


@pytest.mark.parametrize("place", [0, 4])
@pytest.mark.parametrize("goal", [{"num_samples": 20}, {"relative_error": 0.2}])
@pytest.mark.parametrize("estimator", sorted(estimators()))
def test_a_test_image_without_finite_derivative_is_named(estimator, goal, place):
    estimate = slug.score if estimators()[estimator].gives_score else slug.pixel_variance
    if issubclass(estimators()[estimator], FixedBudget) and "relative_error" in goal:
        pytest.skip("it takes no goal")
    posterior = fit_small(rooted, solver=solver_for(estimator))
    with pytest.raises(InputError) as error:
        estimate(
            posterior,
            with_black(5, place),
            key=KEY,
            estimator=estimator,
            batch_size=2,
            **goal,
        )
    assert str(error.value) == derivative_message(place)


@pytest.mark.parametrize("place", [0, 4])
@pytest.mark.parametrize("solver", ["lanczos", "sketched_lanczos", "range_finder"])
def test_a_training_image_without_finite_derivative_is_named(place, solver):
    with pytest.raises(InputError) as error:
        slug.fit(
            rooted,
            make_params(),
            with_black(5, place),
            rank=2,
            key=KEY,
            batch_size=2,
            solver=solver,
        )
    assert str(error.value) == derivative_message(place)


class Stop(Exception):
    pass


def test_a_goal_out_of_reach_says_how_much_it_takes(in_float32):
    def stop(done, total, message):
        if done > 40:
            raise Stop

    with (
        pytest.warns(CostWarning, match=r"^relative_error=1e-06 will take about .e\+1\d products"),
        pytest.raises(Stop),
    ):
        slug.score(in_float32, make_images(1), relative_error=1e-6, key=KEY, progress=stop)


def reconstruct(variables, images):
    return Normalised().apply(variables, images)


class Normalised(linen.Module):
    @linen.compact
    def __call__(self, x):
        flat = linen.Dense(4)(x.reshape(len(x), -1))
        flat = linen.BatchNorm(use_running_average=True)(flat)
        return linen.Dense(32)(flat).reshape(x.shape)


def test_variables_of_linen_score_as_their_parameters_alone():
    images = make_images(6)
    variables = Normalised().init(KEY, images)
    options = {"rank": 3, "key": KEY}
    natural = slug.fit(reconstruct, variables, images, **options)
    alone = slug.fit(
        lambda params, x: reconstruct({**variables, "params": params}, x),
        variables["params"],
        images,
        **options,
    )
    made, expected = (slug.score(one, images, num_samples=20, key=KEY) for one in (natural, alone))
    np.testing.assert_allclose(made.value, expected.value, rtol=1e-5)
    assert "6 leaves uncertain and 2 fixed" in repr(natural)
    everything = slug.fit(
        reconstruct, variables, images, parameter_filter=lambda _: True, **options
    )
    assert "8 leaves uncertain and 0 fixed" in repr(everything)


@pytest.mark.parametrize("transform", [jax.jit, jax.vmap, jax.grad])
def test_scores_inside_of_transformations_are_refused(in_float32, transform):
    def call(images):
        images = images.reshape(-1, *SHAPE)
        return slug.score(in_float32, images, num_samples=2, key=KEY).value.sum()

    with pytest.raises(InputError) as error:
        transform(call)(make_images(2))
    assert str(error.value) == (
        "images is traced by jax.jit, vmap or grad; call slug.score outside of them, as it "
        "compiles by itself what it repeats"
    )


@pytest.mark.parametrize(
    ("estimator", "number", "least"),
    [("xtrace", 6, 8), ("hutchpp", 5, 6), ("xnystrace", 3, 4)],
)
def test_too_few_products_are_counted_as_they_were_given(in_float32, estimator, number, least):
    with pytest.raises(InputError) as error:
        slug.score(in_float32, make_images(1), num_samples=number, key=KEY, estimator=estimator)
    assert str(error.value) == (
        f"num_samples is {number}; the estimator {estimator!r} needs at least {least}"
    )


kept = []


def keeping(params, images):
    kept.append(apply(params, images))
    return kept[0]


def test_a_model_that_keeps_what_is_traced():
    kept.clear()
    with pytest.raises(
        InputError, match=r"^apply keeps traced arrays between two calls: "
    ) as error:
        fit_small(keeping)
    assert isinstance(error.value.__cause__, jax.errors.UnexpectedTracerError)


def large(params, images):
    """Take 40 terabytes for each image of a batch of more than four."""
    every = jnp.broadcast_to(images.ravel()[0], (10**13 if len(images) > 4 else 1,))
    return apply(params, images) + 0 * jnp.cumsum(every)[-1]


def test_what_does_not_fit_into_memory():
    message = "^the model does not fit into memory: Out of memory.*; give batch_size=1, or smaller"
    images = make_images(6)
    with pytest.raises(InputError, match=message) as error:
        slug.fit(large, make_params(), images, rank=2, key=KEY)
    assert isinstance(error.value.__cause__, jax.errors.JaxRuntimeError)
    posterior = slug.fit(large, make_params(), images, rank=2, key=KEY, batch_size=3)
    with pytest.raises(InputError, match=message):
        slug.score(posterior, images, num_samples=2, key=KEY)
    assert len(slug.score(posterior, images, num_samples=2, key=KEY, batch_size=3).value) == 6


def test_a_count_in_the_options_of_a_solver_is_whole():
    for make in (
        lambda: slug.Lanczos(max_products=5.0),
        lambda: slug.Lanczos(num_extra=True),
        lambda: slug.SketchedLanczos(sketch_size=2.5),
    ):
        with pytest.raises(InputError, match="give a whole number of at least"):
            make()


def test_a_checkpoint_knows_the_code_of_the_model(tmp_path):
    options = {"solver": slug.Lanczos(checkpoint=tmp_path / "fit.npz")}
    fit_small(apply, **options)
    fit_small(lambda p, x: apply(p, x), **options)
    with pytest.raises(InputError, match="belongs to other parameters, images or options"):
        fit_small(lambda p, x: 2 * apply(p, x), **options)
