import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slugkit.model.vae import Architecture, initialise, num_parameters, training_forward

SPATIAL = Architecture(16, (4, 6), "spatial", 3, 0.01)
DENSE = dataclasses.replace(SPATIAL, latent="dense", latent_size=5)


@pytest.mark.parametrize("architecture", [SPATIAL, DENSE])
def test_shapes_and_range(architecture):
    model = initialise(architecture, seed=0)
    images = np.random.default_rng(0).random((3, 16, 16, 3), np.float32)
    output = model.reconstruct()(model.params, images)
    assert output.shape == images.shape
    assert 0 < output.min() < output.max() < 1
    mean, standard_deviation = model.encode()(model.params, images)
    assert mean.shape == standard_deviation.shape
    assert mean.shape[1:] == ((8, 8, 3) if architecture.latent == "spatial" else (5,))
    assert mean[0].size == architecture.num_latents
    assert (standard_deviation > 0).all()


def test_reconstruction_is_deterministic_and_independent_of_the_batch():
    model = initialise(SPATIAL, seed=0)
    images = np.random.default_rng(0).random((4, 16, 16, 3), np.float32)
    apply = jax.jit(model.reconstruct())
    together = apply(model.params, images)
    alone = jnp.concatenate([apply(model.params, image[None]) for image in images])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_array_equal(together, apply(model.params, images))


def test_the_seed_decides_the_weights():
    first, again, other = (initialise(SPATIAL, seed) for seed in (0, 0, 1))
    assert num_parameters(first.params) > 1000
    same = jax.tree.map(lambda a, b: bool((a == b).all()), first.params, again.params)
    assert all(jax.tree.leaves(same))
    kernel = first.params["decoder"]["head"]["kernel"]
    assert not (kernel == other.params["decoder"]["head"]["kernel"]).all()


def test_training_mode_uses_and_updates_batch_statistics():
    model = initialise(SPATIAL, seed=0)
    images = np.random.default_rng(0).random((4, 16, 16, 3), np.float32)
    reconstructions, kl, updated = jax.jit(training_forward(SPATIAL))(
        model.params, model.batch_stats, images, jax.random.key(0)
    )
    assert reconstructions.shape == images.shape
    assert kl.shape == (4,)
    assert jax.tree.structure(updated) == jax.tree.structure(model.batch_stats)
    moved = jax.tree.map(lambda a, b: bool((a != b).any()), updated, model.batch_stats)
    assert all(jax.tree.leaves(moved))


def test_dropout_is_on_only_where_it_is_asked_for():
    shallow = dataclasses.replace(SPATIAL, widths=(4,))
    plain = initialise(shallow, seed=0)
    dropping = initialise(dataclasses.replace(shallow, dropout=0.3), seed=0)
    assert jax.tree.structure(dropping.params) == jax.tree.structure(plain.params)
    images = np.random.default_rng(0).random((3, 16, 16, 3), np.float32)
    outputs = [model.reconstruct()(model.params, images) for model in (plain, dropping)]
    np.testing.assert_array_equal(*outputs)
    apply = jax.jit(dropping.reconstruct_at_random())
    first, again, other = (apply(dropping.params, images, jax.random.key(k)) for k in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    np.testing.assert_allclose(
        plain.reconstruct_at_random()(plain.params, images, jax.random.key(0)), outputs[0]
    )
    losses = [
        training_forward(model.architecture)(
            model.params, model.batch_stats, images, jax.random.key(0)
        )[0]
        for model in (plain, dropping)
    ]
    assert (losses[0] != losses[1]).any()


def test_decoding_the_mean_is_the_reconstruction():
    model = initialise(SPATIAL, seed=0)
    images = np.random.default_rng(0).random((3, 16, 16, 3), np.float32)
    mean, _ = model.encode()(model.params, images)
    np.testing.assert_array_equal(
        model.decode()(model.params, mean), model.reconstruct()(model.params, images)
    )
