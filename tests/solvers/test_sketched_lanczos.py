"""Posteriors of a sketched basis."""

import numpy as np
import pytest
from small_model import KEY, apply, dense_jacobian, dense_variance, make_images, make_params

from slugkit import slug
from slugkit.errors import InputError
from slugkit.operators.parameters import flatten


@pytest.mark.parametrize("sketch", ["srft", "sparse"])
@pytest.mark.parametrize("num_exact", [0, 3])
def test_the_score_is_near_the_dense_one_for_a_large_sketch(sketch, num_exact):
    params, images = make_params(), make_images(8)
    solver = slug.SketchedLanczos(sketch, flatten(params).size, num_exact)
    posterior = slug.fit(apply, params, images, rank=6, key=KEY, solver=solver)
    assert posterior.exact.rank == num_exact
    full = slug.fit(apply, params, images, rank=6, key=KEY)
    made = slug.score(posterior, images[:3], num_samples=400, key=KEY)
    dense = dense_variance(dense_jacobian(params, images[:3]), full).sum(axis=1)
    # The Krylov space of six steps is not yet that of the leading six eigenvectors.
    plain = np.sum(dense_jacobian(params, images[:3]) ** 2, axis=(1, 2))
    assert (made.value < plain).all()
    assert (made.value > 0.2 * dense).all()


def test_fewer_numbers_are_kept_than_in_a_full_basis():
    params, images = make_params(), make_images(8)
    solver = slug.SketchedLanczos(sketch_size=40)
    posterior = slug.fit(apply, params, images, rank=6, key=KEY, solver=solver)
    assert isinstance(posterior, slug.SketchedPosterior)
    assert posterior.exact.basis.size == 0
    assert posterior.sketched.rows.shape[1] == 40
    assert posterior.rank == len(posterior.sketched.rows)
    with pytest.raises(InputError, match="has only a sketch"):
        slug.pixel_variance(posterior, images, num_samples=4, key=KEY)


@pytest.mark.parametrize(("wanted", "num_exact", "size"), [(0.1, 0, 206), (0.2, 2, 54)])
def test_the_size_follows_from_the_rank_and_the_wanted_error(wanted, num_exact, size):
    solver = slug.SketchedLanczos(num_exact=num_exact, relative_error=wanted)
    posterior = slug.fit(apply, make_params(), make_images(8), rank=6, key=KEY, solver=solver)
    assert posterior.sketched.rows.shape[1] == size


def test_a_sketch_is_no_larger_than_the_vectors():
    params, images = make_params(), make_images(8)
    posterior = slug.fit(apply, params, images, rank=6, key=KEY, solver="sketched_lanczos")
    assert posterior.sketched.rows.shape[1] == flatten(params).size


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sketch": "gauss"}, "sketch is 'gauss'"),
        ({"sketch_size": 0}, "sketch_size is 0"),
        ({"sketch_size": 6}, "size 6 leaves nothing outside of 6 directions; give sketch_size=806"),
        ({"relative_error": 2.0}, "relative_error is 2"),
        ({"num_exact": 6}, "num_exact is 6; give a number from 0 to the rank less one, 5"),
    ],
)
def test_unusable_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        slug.fit(
            apply,
            make_params(),
            make_images(4),
            rank=6,
            key=KEY,
            solver=slug.SketchedLanczos(**options),
        )


def test_a_prior_precision_is_refused():
    with pytest.raises(InputError, match="prior_precision needs the eigenvectors"):
        slug.fit(
            apply,
            make_params(),
            make_images(4),
            rank=2,
            key=KEY,
            prior_precision=1.0,
            solver="sketched_lanczos",
        )
