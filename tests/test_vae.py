import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slugkit.errors import InputError
from slugkit.model.vae import Architecture, divergence, initialise, num_parameters, training_forward

SPATIAL = Architecture(16, (4, 6), "spatial", 3, 0.01)
DENSE = dataclasses.replace(SPATIAL, latent="dense", latent_size=5)


@pytest.mark.parametrize("architecture", [SPATIAL, DENSE])
def test_shapes_and_range(architecture):
    model = initialise(architecture, seed=0)
    images = np.random.default_rng(0).random((3, 16, 16, 3), np.float32)
    output = model.reconstruct()(model.params, images)
    assert output.shape == images.shape
    assert 0 < output.min() < output.max() < 1
    mean, deviation = model.encode()(model.params, images)
    assert mean.shape == deviation.shape
    assert mean.shape[1:] == ((8, 8, 3) if architecture.latent == "spatial" else (5,))
    assert (deviation > 0).all()


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


def test_divergence_against_numerical_integration():
    mean, log_variance = 0.7, -0.4
    z = np.linspace(-10, 10, 20001)
    sigma = np.exp(log_variance / 2)
    log_q = -0.5 * ((z - mean) / sigma) ** 2 - np.log(sigma * np.sqrt(2 * np.pi))
    log_p = -0.5 * z**2 - np.log(np.sqrt(2 * np.pi))
    expected = np.trapezoid(np.exp(log_q) * (log_q - log_p), z)
    found = divergence(jnp.full((1, 1), mean), jnp.full((1, 1), log_variance))
    np.testing.assert_allclose(found, [expected], rtol=1e-5)


def test_sizes_that_cannot_be_halved_are_refused():
    with pytest.raises(InputError, match="18 cannot be halved 2 times"):
        Architecture(18, (4, 4, 4), "spatial", 3, 0.01)
    with pytest.raises(InputError, match="likelihood_variance must be above 0"):
        Architecture(16, (4, 4), "spatial", 3, 0.0)
    with pytest.raises(InputError, match="a share from 0 to below 1"):
        dataclasses.replace(SPATIAL, dropout=1.0)
