"""Many posteriors from one set of products, against those that are computed one by one."""

from dataclasses import replace

import numpy as np
import pytest
from small_model import KEY, apply, make_images, make_params

from companion.experiments.ablation.weightings import Weighting, truncated, variances, with_prior
from slugkit import slug


@pytest.fixture(scope="module")
def posterior():
    return slug.fit(
        apply, make_params(), make_images(12), rank=6, key=KEY, tolerance=1e-4, max_products=60
    )


def expected(posterior, images, num_samples):
    return slug.pixel_variance(posterior, images, num_samples=num_samples, key=KEY).value


@pytest.mark.parametrize("rank", [0, 2, 6])
def test_truncating_the_basis_is_a_fit_of_smaller_rank(posterior, rank):
    images = make_images(5, seed=1)
    fitted = slug.fit(
        apply,
        make_params(),
        make_images(12),
        rank=rank,
        key=KEY,
        tolerance=1e-4,
        max_products=60,
    )
    (found,) = variances(posterior, images, [truncated(posterior, rank, 20)], key=KEY)
    np.testing.assert_allclose(found, expected(fitted, images, 20), rtol=2e-3)


@pytest.mark.parametrize("precision", [1e-3, 1.0, 1e3])
def test_a_prior_is_that_of_the_posterior_times_its_precision(posterior, precision):
    images = make_images(5, seed=1)
    with_its_own = replace(posterior, prior_precision=precision)
    (found,) = variances(posterior, images, [with_prior(posterior, precision, 20)], key=KEY)
    np.testing.assert_allclose(
        found, precision * expected(with_its_own, images, 20), rtol=1e-3, atol=1e-7
    )


@pytest.mark.parametrize("batch_size", [2, 7, None])
def test_each_weighting_takes_the_first_directions_in_every_batch(posterior, batch_size):
    images = make_images(7, seed=2)
    wanted = [truncated(posterior, 6, 4), truncated(posterior, 6, 12)]
    found = variances(posterior, images, wanted, key=KEY, batch_size=batch_size)
    for one, weighting in zip(found, wanted, strict=True):
        np.testing.assert_allclose(
            one, expected(posterior, images, weighting.num_samples), rtol=1e-3, atol=1e-7
        )


def test_a_scale_of_zero_outside_some_parameters_leaves_their_variance_alone(posterior):
    images = make_images(3, seed=3)
    nothing = Weighting(np.zeros(6), 500)
    names = [posterior.parameters.names[i] for i in posterior.parameters.selected]
    sizes = [posterior.parameters.leaves[i].size for i in posterior.parameters.selected]
    is_decoder = np.repeat([name.startswith("decoder") for name in names], sizes)
    only = slug.fit(
        apply,
        make_params(),
        make_images(12),
        rank=0,
        key=KEY,
        parameter_filter=lambda name: name.startswith("decoder"),
    )
    (found,) = variances(posterior, images, [nothing], key=KEY, scale=is_decoder)
    exact = slug.pixel_variance(only, images, key=KEY, estimator="exact").value
    np.testing.assert_allclose(found, exact, rtol=6 * (2 / 500) ** 0.5)
