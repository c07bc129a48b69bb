"""The scaled Jacobian B of one image against the dense one."""

import numpy as np
import pytest
from small_model import KEY, apply, dense_jacobian, dense_variance, make_images, make_params

from slugkit import slug
from slugkit.operators.jacobian import Jacobian, lineariser
from slugkit.operators.scaled_jacobian import ScaledJacobian

PARAMS, IMAGES = make_params(), make_images(6)


@pytest.mark.parametrize("prior_precision", [None, 0.7])
def test_its_products_are_those_of_the_covariance(prior_precision):
    posterior = slug.fit(apply, PARAMS, IMAGES, rank=3, key=KEY, prior_precision=prior_precision)
    linearise = lineariser(apply, posterior.parameters)
    scaled = ScaledJacobian(posterior, Jacobian(linearise, posterior.parameters, IMAGES[0]))
    identity = np.eye(scaled.size, dtype=np.float32)
    root = scaled.pull(identity)
    exact = dense_variance(dense_jacobian(PARAMS, IMAGES[:1]), posterior)[0]
    tolerance = 1e-4 * exact.max()
    np.testing.assert_allclose(np.sum(root**2, axis=1), exact, atol=tolerance)
    # More rows than a block has.
    np.testing.assert_allclose(scaled.covariance_product(identity), root @ root.T, atol=tolerance)
    v = np.random.default_rng(0).normal(size=(2, scaled.length)).astype(np.float32)
    np.testing.assert_allclose(scaled.push(v), v @ root.T, rtol=1e-3, atol=1e-4)
