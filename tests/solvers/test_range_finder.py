"""The eigenvectors from one pass over the images."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_model import KEY, apply, dense_jacobian, make_images, make_params

from slugkit import slug
from slugkit.errors import InputError


def fitted(images, rank=5, dtype=jnp.float32, batch_size=4, **options):
    return slug.fit(
        apply,
        make_params(dtype),
        images,
        rank=rank,
        key=KEY,
        batch_size=batch_size,
        solver=slug.RangeFinder(**options),
    )


def explained(basis, jacobian):
    return np.sum((jacobian.reshape(-1, jacobian.shape[-1]) @ basis.T) ** 2)


@pytest.mark.parametrize("num_power_iterations", [0, 1])
def test_it_takes_out_nearly_what_the_leading_eigenvectors_do(num_power_iterations):
    with jax.enable_x64(True):
        images = make_images(9, np.float64)
        jacobian = dense_jacobian(make_params(jnp.float64), images)
        values, vectors = np.linalg.eigh(np.einsum("nip,niq->pq", jacobian, jacobian))
        made = fitted(
            images, 5, jnp.float64, num_power_iterations=num_power_iterations, residuals=True
        )
    best = explained(vectors[:, ::-1][:, :5].T, jacobian)
    assert explained(made.basis, jacobian) > (0.9, 0.99)[num_power_iterations] * best
    assert (made.eigenvalues <= values[::-1][:5] * (1 + 1e-9)).all()
    matrix = np.einsum("nip,niq->pq", jacobian, jacobian)
    residuals = np.linalg.norm(made.basis @ matrix - made.eigenvalues[:, None] * made.basis, axis=1)
    np.testing.assert_allclose(made.residuals, residuals, rtol=1e-6, atol=1e-8)
    assert made.num_products == 15 * (1 + num_power_iterations) + 5
    assert not made.converged


def test_the_further_columns_become_extra_vectors():
    made = fitted(make_images(9), oversampling=4)
    assert made.extra_vectors.shape[0] == 4
    together = np.concatenate([made.basis, made.extra_vectors])
    np.testing.assert_allclose(together @ together.T, np.eye(9), atol=1e-5)
    assert np.isinf(made.residuals).all()
    assert made.num_products == 9
    slug.score(made, make_images(2), num_samples=8, key=KEY, estimator="deflated")


def test_each_image_is_read_once_and_a_sketched_basis_is_that_of_the_vectors():
    class Counted:
        def __init__(self, images):
            self.images, self.read = images, []

        def __len__(self):
            return len(self.images)

        def __getitem__(self, where):
            self.read.append((where.start, where.stop))
            return self.images[where]

    images = make_images(10)
    counted = Counted(images)
    sketched = fitted(counted, sketch="srft", sketch_size=100)
    # Before, the first batch is read, to see what images look like and to check the model.
    batches = [(start, stop) for start, stop in counted.read if stop - start > 1]
    assert batches == [(0, 4), (0, 4), (4, 8), (8, 10)]
    whole = fitted(images, oversampling=0)
    test_images = make_images(3, seed=1)
    made = slug.score(sketched, test_images, num_samples=400, key=KEY)
    expected = slug.score(whole, test_images, num_samples=400, key=KEY, estimator="hutchinson")
    np.testing.assert_array_less(np.abs(made.value - expected.value), 4 * made.standard_error)
    assert sketched.sketched.rows.shape == (5, 100)


def test_no_direction_at_all_gives_the_plain_jacobian_norm():
    made = fitted(make_images(4), rank=0)
    assert made.rank == made.num_products == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"oversampling": -1}, "oversampling is -1"),
        ({"num_power_iterations": -1}, "num_power_iterations is -1"),
        ({"sketch": "srft", "residuals": True}, "sketch keeps none; leave out either"),
        ({"sketch": "srft", "sketch_size": 5}, "size 5 leaves nothing outside of 5 directions"),
        ({"sketch": "gauss"}, "sketch is 'gauss'"),
    ],
)
def test_unusable_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        fitted(make_images(4), **options)


def test_a_rank_beyond_that_of_the_matrix_is_refused():
    images = np.repeat(make_images(1), 8, axis=0)
    with pytest.raises(InputError, match=r"rank is 60, but the matrix has only \d+ eigenvalues"):
        fitted(images, rank=60)


def test_a_prior_precision_does_not_go_with_a_sketch():
    with pytest.raises(InputError, match="prior_precision needs the eigenvectors"):
        slug.fit(
            apply,
            make_params(),
            make_images(4),
            rank=2,
            key=KEY,
            prior_precision=1.0,
            solver=slug.RangeFinder(sketch="srft"),
        )
