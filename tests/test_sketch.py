import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_model import KEY, apply, dense_jacobian, dense_variance, make_images, make_params

from slugkit import slug
from slugkit.errors import InputError
from slugkit.linalg.sketch import SketchedBasis, make_sketch, sketched_lanczos

KINDS = ("srft", "sparse")


def matrix_with(values, seed=0):
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(values),) * 2))
    return (q * values) @ q.T, q


@pytest.mark.parametrize("kind", KINDS)
def test_inner_products_are_kept_on_average(kind):
    random = np.random.default_rng(0)
    x, y = random.normal(size=(2, 60))
    made = np.array(
        [np.vdot(s(x), s(y)) for s in (make_sketch(kind, 60, 20, i) for i in range(800))]
    )
    error = made.std(ddof=1) / np.sqrt(len(made))
    assert abs(made.mean() - np.vdot(x, y)) < 4 * error


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30, deadline=None)
@given(length=st.integers(2, 200), seed=st.integers(0, 2**31), share=st.floats(0.05, 1))
def test_a_sketch_is_linear_and_made_again_from_its_description(kind, length, seed, share):
    sketch = make_sketch(kind, length, max(1, int(share * length)), seed)
    x, y = np.random.default_rng(seed).normal(size=(2, length))
    np.testing.assert_allclose(sketch(x - 2 * y), sketch(x) - 2 * sketch(y), atol=1e-9)
    again = make_sketch(**sketch.description())
    np.testing.assert_array_equal(sketch(np.stack([x, y])), again(np.stack([x, y])))


def test_a_full_srft_keeps_lengths():
    # 128 is a length whose transform is fast, so that nothing is padded.
    sketch = make_sketch("srft", 128, 128, 3)
    x = np.random.default_rng(0).normal(size=(5, 128))
    np.testing.assert_allclose(np.linalg.norm(sketch(x), axis=1), np.linalg.norm(x, axis=1))


@pytest.mark.parametrize(
    ("kind", "size", "message"),
    [
        ("gauss", 10, "choose 'srft' or 'sparse'"),
        ("srft", 0, "sketch_size is 0"),
        ("sparse", 101, "sketch_size is 101; give a number from 1 to .* 100"),
    ],
)
def test_refuses_bad_input(kind, size, message):
    with pytest.raises(InputError, match=message):
        make_sketch(kind, 100, size, 0)


@pytest.mark.parametrize(
    "values",
    [
        2.0 ** -np.arange(50),
        np.r_[np.full(4, 9.0), np.linspace(0, 1, 46)],
        np.r_[np.ones(8), np.zeros(42)],
    ],
    ids=["decaying", "gap", "rank-deficient"],
)
def test_ritz_values_are_those_of_the_matrix(values):
    matrix, _ = matrix_with(values)
    pairs = sketched_lanczos(
        lambda v: matrix @ v,
        make_sketch("srft", 50, 50, 0),
        25,
        length=50,
        seed=1,
        dtype=np.float64,
    )
    assert pairs.values[0] == pytest.approx(values.max(), rel=1e-8)
    assert pairs.num_products <= 25
    # Every Ritz value whose estimated residual is small is an eigenvalue.
    for value in pairs.values[pairs.residuals < 1e-8]:
        assert np.abs(values - value).min() < 1e-6


def test_an_orthogonal_sketch_takes_out_what_the_full_basis_takes_out():
    values = np.r_[2.0 ** -np.arange(12), np.zeros(116)]
    matrix, q = matrix_with(values)
    pairs = sketched_lanczos(
        lambda v: matrix @ v,
        make_sketch("srft", 128, 128, 0),
        16,
        length=128,
        seed=1,
        dtype=np.float64,
    )
    g = np.random.default_rng(5).normal(size=(6, 128))
    leading = np.sum((g @ q[:, :12]) ** 2, axis=1)
    inside = pairs.basis.norm_inside(g)
    # The space has the leading eigenvectors in it, and one direction for the null space.
    assert (inside >= leading * (1 - 1e-6)).all()
    assert (inside <= np.sum(g**2, axis=1) + 1e-9).all()
    assert len(pairs.basis.rows) <= 13


def test_copies_of_converged_directions_are_dropped():
    values = np.r_[1e4, 1e3, np.linspace(0, 1, 198)]
    matrix, _ = matrix_with(values.astype(np.float32))
    pairs = sketched_lanczos(
        lambda v: (matrix @ v).astype(np.float32),
        make_sketch("srft", 200, 200, 0),
        60,
        length=200,
        seed=0,
    )
    assert len(pairs.basis.rows) < 60
    np.testing.assert_allclose(
        pairs.basis.rows @ pairs.basis.rows.T, np.eye(len(pairs.basis.rows)), atol=1e-4
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("num_exact", [0, 3])
def test_the_sketched_score_is_near_the_dense_one_for_a_large_sketch(kind, num_exact):
    params, images = make_params(), make_images(8)
    size = sum(leaf.size for leaf in jax.tree.leaves(params))
    posterior = slug.fit(
        apply,
        params,
        images,
        rank=6,
        key=KEY,
        basis="sketched",
        sketch=kind,
        sketch_size=size,
        num_exact=num_exact,
    )
    full = slug.fit(apply, params, images, rank=6, key=KEY)
    made = slug.score(posterior, images[:3], num_samples=400, key=KEY, estimator="hutchinson")
    dense = dense_variance(dense_jacobian(params, images[:3]), full).sum(axis=1)
    # The Krylov space of six steps is not yet that of the leading six eigenvectors.
    plain = np.sum(dense_jacobian(params, images[:3]) ** 2, axis=(1, 2))
    assert (made.value < plain).all()
    assert (made.value > 0.2 * dense).all()


def test_fewer_numbers_are_kept_than_in_a_full_basis():
    params, images = make_params(), make_images(8)
    sketched = slug.fit(apply, params, images, rank=6, key=KEY, basis="sketched", sketch_size=40)
    assert sketched.basis.size == 0
    assert isinstance(sketched.sketched, SketchedBasis)
    assert sketched.sketched.rows.shape[1] == 40
    with pytest.raises(InputError, match="has only a sketch"):
        slug.pixel_variance(sketched, images, num_samples=4, key=KEY)


def test_products_that_are_not_finite_are_refused():
    with pytest.raises(InputError, match="product number 1 with the matrix is not finite"):
        sketched_lanczos(lambda v: v * np.nan, make_sketch("srft", 20, 10, 0), 5, length=20, seed=0)
