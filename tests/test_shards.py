"""Several processes with a part of the images each."""

import jax
import numpy as np
import pytest
from small_model import KEY, apply, make_images, make_params

from slugkit import slug
from slugkit.errors import InputError
from slugkit.operators.losses import bernoulli
from slugkit.shards import combine_shards, save_shard

IMAGES = make_images(12)


def save(path, images, **changes):
    arguments = {"rank": 4, "key": KEY, "solver": slug.RangeFinder(oversampling=3)} | changes
    params = arguments.pop("params", make_params())
    return save_shard(apply, params, images, path, **arguments)


@pytest.mark.parametrize("sketch", [None, "srft"])
@pytest.mark.parametrize("cuts", [[5], [2, 9]])
def test_shards_add_up_to_the_fit_of_all_images(tmp_path, sketch, cuts):
    solver = slug.RangeFinder(oversampling=3, sketch=sketch, sketch_size=sketch and 60)
    parts = np.split(IMAGES, cuts)
    paths = [save(tmp_path / f"{i}.npz", part, solver=solver) for i, part in enumerate(parts)]
    made = combine_shards(paths[::-1], apply, make_params())
    expected = slug.fit(apply, make_params(), IMAGES, rank=4, key=KEY, solver=solver)
    if sketch is None:
        np.testing.assert_allclose(made.eigenvalues, expected.eigenvalues, rtol=1e-5)
        overlap = np.abs(made.basis @ expected.basis.T)
        np.testing.assert_allclose(overlap, np.eye(4), atol=1e-3)
    else:
        projector, other = (one.sketched.rows.T @ one.sketched.rows for one in (made, expected))
        np.testing.assert_allclose(projector, other, atol=1e-3)
    scores = [
        slug.score(one, IMAGES[:3], num_samples=16, key=KEY).value for one in (made, expected)
    ]
    np.testing.assert_allclose(*scores, rtol=1e-3)


def test_the_prior_is_that_of_the_combination(tmp_path):
    path = save(tmp_path / "0.npz", IMAGES)
    assert combine_shards([path], apply, make_params(), prior_precision=2.0).prior_precision == 2.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"params": jax.tree.map(lambda leaf: leaf + 1, make_params())},
            "differ in the parameters",
        ),
        ({"rank": 3}, "differ in the rank"),
        ({"key": jax.random.key(1)}, "differ in the key"),
        ({"hessian": bernoulli()}, "differ in the loss"),
        (
            {"parameter_filter": lambda name: name.startswith("dec")},
            "differ in the parameter filter",
        ),
        ({"solver": slug.RangeFinder()}, "differ in the options of the solver"),
    ],
)
def test_shards_of_different_fits_are_refused(tmp_path, change, message):
    paths = [save(tmp_path / "0.npz", IMAGES[:6]), save(tmp_path / "1.npz", IMAGES[6:], **change)]
    with pytest.raises(InputError, match=message):
        combine_shards(paths, apply, make_params())


def test_the_same_images_twice_are_refused(tmp_path):
    paths = [save(tmp_path / f"{i}.npz", IMAGES[:6]) for i in range(2)]
    with pytest.raises(InputError, match="are of the same images"):
        combine_shards(paths, apply, make_params())


def test_other_parameters_are_refused(tmp_path):
    path = save(tmp_path / "0.npz", IMAGES)
    other = jax.tree.map(lambda leaf: 2 * leaf, make_params())
    with pytest.raises(InputError, match="was made with other parameters"):
        combine_shards([path], apply, other)


def test_files_that_are_no_shards_are_refused(tmp_path):
    path = save(tmp_path / "0.npz", IMAGES)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match="cut short"):
        combine_shards([path], apply, make_params())
    with pytest.raises(InputError, match="there is no shard"):
        combine_shards([tmp_path / "none.npz"], apply, make_params())
    with pytest.raises(InputError, match="there are no shards"):
        combine_shards([], apply, make_params())


@pytest.mark.parametrize("option", [{"num_power_iterations": 1}, {"residuals": True}])
def test_further_passes_are_refused(tmp_path, option):
    with pytest.raises(InputError, match="take further passes over all images"):
        save(tmp_path / "0.npz", IMAGES, solver=slug.RangeFinder(**option))
    assert not list(tmp_path.iterdir())


def test_an_interrupted_shard_leaves_nothing(tmp_path):
    def stop(done, total, message):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save(tmp_path / "0.npz", IMAGES, progress=stop)
    assert not list(tmp_path.iterdir())
