"""Posteriors in files, of this version and of earlier ones."""

import json

import jax
import numpy as np
import pytest
from small_model import KEY, apply, make_images, make_params

from slugkit import slug
from slugkit.errors import InputError


def test_save_and_load_return_the_same_posterior(tmp_path):
    params, images = make_params(), make_images(4)
    posterior = slug.fit(
        apply,
        params,
        images,
        rank=2,
        key=KEY,
        prior_precision=2.0,
        parameter_filter=lambda name: "decoder" in name,
    )
    slug.save(posterior, tmp_path / "posterior.npz")
    loaded = slug.load(tmp_path / "posterior.npz", apply, params)
    before = slug.score(posterior, images, num_samples=4, key=KEY)
    after = slug.score(loaded, images, num_samples=4, key=KEY)
    np.testing.assert_array_equal(after.value, before.value)
    assert loaded.num_products == posterior.num_products
    np.testing.assert_array_equal(loaded.upper, posterior.upper)
    assert loaded.converged == posterior.converged
    assert [file.name for file in tmp_path.iterdir()] == ["posterior.npz"]


def test_a_file_without_upper_bounds_loads_as_not_verified(tmp_path):
    params, images = make_params(), make_images(4)
    path = tmp_path / "posterior.npz"
    posterior = slug.fit(apply, params, images, rank=2, key=KEY)
    slug.save(posterior, path)
    with np.load(path) as archive:
        older = {name: archive[name] for name in archive if name != "upper"}
    np.savez(path, **older)
    loaded = slug.load(path, apply, params)
    np.testing.assert_array_equal(loaded.basis, posterior.basis)
    assert posterior.converged
    assert not loaded.converged
    assert np.isinf(loaded.upper).all()


def test_load_refuses_other_parameters_and_broken_files(tmp_path):
    params, images = make_params(), make_images(4)
    path = tmp_path / "posterior.npz"
    with pytest.raises(InputError, match="there is no posterior"):
        slug.load(path, apply, params)
    slug.save(slug.fit(apply, params, images, rank=2, key=KEY), path)
    other = jax.tree.map(lambda leaf: leaf * 1.01, params)
    with pytest.raises(InputError, match="other parameters"):
        slug.load(path, apply, other)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match="cut short"):
        slug.load(path, apply, params)


@pytest.mark.parametrize("num_exact", [0, 2])
def test_a_sketched_posterior_is_saved_and_loaded(tmp_path, num_exact):
    params, images = make_params(), make_images(6)
    solver = slug.SketchedLanczos(sketch_size=40, num_exact=num_exact)
    posterior = slug.fit(apply, params, images, rank=5, key=KEY, solver=solver)
    slug.save(posterior, tmp_path / "posterior.npz")
    loaded = slug.load(tmp_path / "posterior.npz", apply, params)
    assert isinstance(loaded, slug.SketchedPosterior)
    before, after = (
        slug.score(one, images, num_samples=4, key=KEY).value for one in (posterior, loaded)
    )
    np.testing.assert_array_equal(after, before)
    assert loaded.num_products == posterior.num_products
    assert loaded.exact.num_products == posterior.exact.num_products


def test_extra_vectors_are_kept(tmp_path):
    params, images = make_params(), make_images(6)
    posterior = slug.fit(apply, params, images, rank=2, key=KEY, solver=slug.Lanczos(num_extra=3))
    slug.save(posterior, tmp_path / "posterior.npz")
    loaded = slug.load(tmp_path / "posterior.npz", apply, params)
    np.testing.assert_array_equal(loaded.extra_vectors, posterior.extra_vectors)


@pytest.mark.parametrize("basis_dtype", ["float32", "bfloat16"])
def test_eigenvectors_can_stay_in_the_file(tmp_path, basis_dtype):
    params, images = make_params(), make_images(6)
    solver = slug.Lanczos(basis_dtype=basis_dtype)
    posterior = slug.fit(apply, params, images, rank=3, key=KEY, solver=solver)
    slug.save(posterior, tmp_path / "posterior.npz")
    loaded = slug.load(tmp_path / "posterior.npz", apply, params, memory_map=True)
    assert not loaded.basis.flags.owndata
    np.testing.assert_array_equal(
        loaded.basis.view(np.uint8), np.asarray(posterior.basis).view(np.uint8)
    )


def test_a_file_of_the_first_version_of_the_format_loads(tmp_path):
    """It has no number of products of the exact part."""
    params, images = make_params(), make_images(6)
    path = tmp_path / "posterior.npz"
    posterior = slug.fit(
        apply, params, images, rank=5, key=KEY, solver=slug.SketchedLanczos(sketch_size=40)
    )
    slug.save(posterior, path)
    with np.load(path) as archive:
        older = {name: archive[name] for name in archive}
    header = json.loads(str(older["header"]))
    del header["num_products_exact"]
    assert set(older) == {
        "header",
        "basis",
        "further",
        "eigenvalues",
        "residuals",
        "upper",
        "sketched",
    }
    np.savez(path, **(older | {"header": json.dumps(header)}))
    assert slug.load(path, apply, params).num_products == posterior.num_products
