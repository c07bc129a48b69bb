"""Many posteriors from one set of products, against those that are computed one by one."""

import numpy as np
import pytest
from small_model import KEY, apply, make_images, make_params

from slugkit import slug
from slugkit.errors import InputError
from slugkit.estimators.shared_products import variances


def fitted(rank, solver=None):
    return slug.fit(
        apply,
        make_params(),
        make_images(12),
        rank=rank,
        key=KEY,
        solver=solver or slug.Lanczos(tolerance=1e-4, max_products=60),
    )


@pytest.fixture(scope="module")
def posterior():
    return fitted(6)


def expected(posterior, images, num_samples):
    return slug.pixel_variance(posterior, images, num_samples=num_samples, key=KEY).value


@pytest.mark.parametrize("rank", [0, 2, 6])
def test_truncating_the_basis_is_a_fit_of_smaller_rank(posterior, rank):
    images = make_images(5, seed=1)
    (found,) = variances([posterior.truncated(rank)], images, num_samples=20, key=KEY)
    np.testing.assert_allclose(found, expected(fitted(rank), images, 20), rtol=2e-3)


@pytest.mark.parametrize("precision", [1e-3, 1.0, 1e3])
def test_a_prior_is_that_of_the_posterior_times_its_precision(posterior, precision):
    images = make_images(5, seed=1)
    with_its_own = posterior.with_prior(precision)
    (found,) = variances([with_its_own], images, num_samples=20, key=KEY)
    np.testing.assert_allclose(
        found, precision * expected(with_its_own, images, 20), rtol=1e-3, atol=1e-7
    )


@pytest.mark.parametrize("batch_size", [2, 7, None])
def test_each_posterior_takes_the_first_directions_in_every_batch(posterior, batch_size):
    images = make_images(7, seed=2)
    counts = [4, 12]
    found = variances([posterior] * 2, images, num_samples=counts, key=KEY, batch_size=batch_size)
    for one, count in zip(found, counts, strict=True):
        np.testing.assert_allclose(one, expected(posterior, images, count), rtol=1e-3, atol=1e-7)


def test_a_scale_of_zero_outside_some_parameters_leaves_their_variance_alone(posterior):
    images = make_images(3, seed=3)
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
    (found,) = variances(
        [posterior.truncated(0)], images, num_samples=500, key=KEY, scale=is_decoder
    )
    exact = slug.pixel_variance(only, images, key=KEY, estimator="exact").value
    np.testing.assert_allclose(found, exact, rtol=6 * (2 / 500) ** 0.5)


def test_other_bases_are_refused(posterior):
    other = slug.fit(apply, make_params(), make_images(5, seed=9), rank=3, key=KEY)
    with pytest.raises(InputError, match="different bases"):
        variances([posterior, other], make_images(2), num_samples=3, key=KEY)
