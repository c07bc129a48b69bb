"""The public functions, whatever the solver and the estimator."""

import inspect

import numpy as np
import pytest
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
from slugkit.errors import InputError
from slugkit.operators.losses import gaussian


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
