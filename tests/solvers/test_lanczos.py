"""The options of the default solver."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_model import KEY, apply, dense_jacobian, make_images, make_params

from slugkit import slug
from slugkit.errors import InputError


@pytest.mark.parametrize("batch_size", [None, 1, 4])
@pytest.mark.parametrize("only_decoder", [False, True])
def test_fit_finds_the_leading_eigenpairs(batch_size, only_decoder):
    with jax.enable_x64(True):
        params, images = make_params(jnp.float64), make_images(9, np.float64)
        select = (lambda name: name.startswith("decoder")) if only_decoder else None
        jacobian = dense_jacobian(params, images, select)
        values, vectors = np.linalg.eigh(np.einsum("nip,niq->pq", jacobian, jacobian))
        posterior = slug.fit(
            apply,
            params,
            images,
            rank=5,
            key=KEY,
            batch_size=batch_size,
            parameter_filter=select,
            solver=slug.Lanczos(tolerance=1e-10, max_products=values.size),
        )
    np.testing.assert_allclose(posterior.eigenvalues, values[::-1][:5], rtol=1e-10)
    overlap = np.abs(posterior.basis @ vectors[:, ::-1][:, :5])
    np.testing.assert_allclose(overlap, np.eye(5), atol=1e-7)
    assert posterior.residuals.max() <= 1e-9 * values[-1]
    assert (values[::-1][:5] <= posterior.upper * (1 + 1e-10)).all()
    assert posterior.converged
    assert posterior.rank == 5
    assert posterior.num_products <= values.size


def test_extra_vectors_are_orthonormal_to_the_eigenvectors():
    posterior = slug.fit(
        apply, make_params(), make_images(8), rank=3, key=KEY, solver=slug.Lanczos(num_extra=4)
    )
    together = np.concatenate([posterior.basis, posterior.extra_vectors])
    assert together.shape[0] == 7
    np.testing.assert_allclose(together @ together.T, np.eye(7), atol=1e-5)


def test_half_the_memory_gives_nearly_the_same_scores():
    arguments = apply, make_params(), make_images(8)
    whole = slug.fit(*arguments, rank=3, key=KEY)
    half = slug.fit(*arguments, rank=3, key=KEY, solver=slug.Lanczos(basis_dtype="bfloat16"))
    assert half.basis.nbytes == whole.basis.nbytes // 2
    made, expected = (
        slug.score(one, arguments[2], num_samples=8, key=KEY).value for one in (half, whole)
    )
    np.testing.assert_allclose(made, expected, rtol=0.05)


def test_a_basis_in_a_file_is_the_same(tmp_path):
    arguments = apply, make_params(), make_images(8)
    memory = slug.fit(*arguments, rank=3, key=KEY)
    disk = slug.fit(*arguments, rank=3, key=KEY, solver=slug.Lanczos(basis_path=tmp_path / "basis"))
    np.testing.assert_array_equal(disk.basis, memory.basis)
    assert (tmp_path / "basis").stat().st_size == memory.basis.nbytes


class Killed(Exception):
    """Stands for the end of the process."""


def test_a_killed_fit_continues_to_the_same_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr("slugkit.linalg.checkpoint.SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    params, images = make_params(), make_images(8)
    options = {"rank": 6, "key": KEY, "batch_size": 4}
    whole = slug.fit(apply, params, images, solver=slug.Lanczos(tolerance=1e-5), **options)
    solver = slug.Lanczos(tolerance=1e-5, checkpoint=tmp_path / "fit.npz")
    calls = []

    def kill(done, total, message):
        calls.append(done)
        if len(calls) in (3, 9):
            raise Killed

    for _ in range(2):
        with pytest.raises(Killed):
            slug.fit(apply, params, images, solver=solver, progress=kill, **options)
    resumed = slug.fit(apply, params, images, solver=solver, progress=kill, **options)
    np.testing.assert_array_equal(resumed.basis, whole.basis)
    np.testing.assert_array_equal(resumed.eigenvalues, whole.eigenvalues)
    assert calls.count(1) == 1
    with pytest.raises(InputError, match="other parameters"):
        slug.fit(apply, params, images[:7], solver=solver, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"num_extra": -1}, "num_extra is -1"), ({"basis_dtype": "int8"}, "basis_dtype is 'int8'")],
)
def test_unusable_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        slug.Lanczos(**options)
