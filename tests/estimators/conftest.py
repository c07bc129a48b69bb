import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_model import KEY, SHAPE, apply, dense_jacobian, dense_variance, make_images, make_params

from slugkit import slug


@pytest.fixture
def x64():
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="session")
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
                solver=slug.Lanczos(num_extra=4),
            )
            exact = dense_variance(jacobian, posterior).reshape(3, *SHAPE)
            made[rank, prior_precision] = posterior, exact
        return test_images, made
