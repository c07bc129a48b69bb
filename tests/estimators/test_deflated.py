"""An exact part along the extra Ritz vectors, against the dense Jacobian."""

import jax.numpy as jnp
import numpy as np
import pytest
from small_model import KEY, dense_jacobian, make_params

from slugkit import slug
from slugkit.errors import InputError
from slugkit.estimators.deflated import Deflated

pytestmark = pytest.mark.usefixtures("x64")


def test_what_is_exact_leaves_less_to_chance(posteriors):
    test_images, made = posteriors
    posterior, exact = made[4, None]
    goal = 0.05
    spent = {
        estimator: slug.pixel_variance(
            posterior, test_images, estimator=estimator, key=KEY, relative_error=goal
        ).num_products
        for estimator in ("krylov", "deflated", "pushforward")
    }
    # What is exact costs its own products.
    samples = spent["deflated"] - len(posterior.extra_vectors)
    assert spent["krylov"] < samples <= spent["pushforward"]
    # As many as the part of the hardest map that is left to chance wants, up to a block or two.
    jacobian = dense_jacobian(make_params(jnp.float64), test_images)
    known = np.sum((jacobian @ posterior.extra_vectors.T) ** 2, axis=2).reshape(exact.shape)
    left = [np.linalg.norm(e - k) / np.linalg.norm(e) for e, k in zip(exact, known, strict=True)]
    assert abs(samples - 2 * (max(left) / goal) ** 2) <= 32


def test_without_any_exact_part_it_is_the_default(posteriors):
    test_images, made = posteriors
    posterior, _ = made[4, None]
    none, default = (
        slug.score(posterior, test_images, num_samples=20, key=KEY, estimator=one)
        for one in (Deflated(num_exact=0), "pushforward")
    )
    np.testing.assert_array_equal(none.value, default.value)


def test_a_fit_without_extra_vectors_is_refused(posteriors):
    test_images, made = posteriors
    with pytest.raises(InputError, match="needs extra Ritz vectors"):
        slug.score(made[0, None][0], test_images, key=KEY, estimator="deflated")
