"""The published score with a sketched basis, against its formula."""

import numpy as np
from small_model import KEY, apply, dense_jacobian, make_images, make_params

from slugkit import slug


def test_it_is_the_difference_of_the_length_and_the_sketched_one():
    params, images = make_params(), make_images(3, seed=1)
    posterior = slug.fit(
        apply, params, make_images(9), rank=4, key=KEY, solver=slug.SketchedLanczos(sketch_size=60)
    )
    made = slug.score(posterior, images, num_samples=2000, key=KEY, estimator="published_sketch")
    jacobian = dense_jacobian(params, images)
    expected = [
        np.sum(one**2) - np.sum((posterior.sketched.sketch(one) @ posterior.sketched.rows.T) ** 2)
        for one in jacobian
    ]
    errors = (made.value - expected) / made.standard_error
    assert np.abs(errors).max() < 5
