import dataclasses

import jax
import numpy as np
import pytest
from scipy import stats

from slugkit.errors import InputError
from slugkit.model.training import Schedule, load_model, negative_elbo, save_model, train
from slugkit.model.vae import Architecture

ARCHITECTURE = Architecture(16, (4, 6), "spatial", 3, 0.01)
SHALLOW = dataclasses.replace(ARCHITECTURE, widths=(4,))
SCHEDULE = Schedule(epochs=12, batch_size=8, learning_rate=0.01, checkpoint_every=2)


@pytest.fixture(scope="module")
def images():
    """Smooth ramps with colours of their own: easy to learn in a few steps."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(0, 1, 16)
    slopes = rng.uniform(-0.4, 0.4, (24, 2, 1, 1, 3))
    values = 0.5 + slopes[:, 0] * ramp[:, None, None] + slopes[:, 1] * ramp[None, :, None]
    return values.clip(0, 1).astype(np.float32)


@pytest.fixture(scope="module")
def trained(images):
    return train(ARCHITECTURE, images, SCHEDULE, seed=0)


def weights(model):
    return np.concatenate(
        [np.ravel(leaf) for leaf in jax.tree.leaves((model.params, model.batch_stats))]
    )


def test_the_loss_falls(trained):
    _, losses = trained
    assert losses.shape == (12,)
    assert losses[-1] < losses[0]


def test_the_same_seed_gives_the_same_weights_and_another_gives_others(images, trained):
    again, _ = train(ARCHITECTURE, images, SCHEDULE, seed=0)
    np.testing.assert_array_equal(weights(again), weights(trained[0]))
    other, _ = train(ARCHITECTURE, images, SCHEDULE, seed=1)
    assert not np.array_equal(weights(other), weights(trained[0]))


def test_a_killed_training_continues_bit_for_bit(images, trained, tmp_path):
    class Killed(Exception):
        pass

    def die(done, total, message):
        if done == 7:
            raise Killed

    checkpoint = tmp_path / "checkpoint.msgpack"
    with pytest.raises(Killed):
        train(ARCHITECTURE, images, SCHEDULE, seed=0, checkpoint=checkpoint, progress=die)
    epochs = []
    resumed, losses = train(
        ARCHITECTURE,
        images,
        SCHEDULE,
        seed=0,
        checkpoint=checkpoint,
        progress=lambda done, total, message: epochs.append(done),
    )
    assert epochs[0] == 7  # from the checkpoint after epoch 6
    np.testing.assert_array_equal(weights(resumed), weights(trained[0]))
    np.testing.assert_array_equal(losses, trained[1])


def test_a_saved_model_is_the_same(trained, tmp_path):
    path = tmp_path / "model.msgpack"
    save_model(path, trained[0])
    np.testing.assert_array_equal(weights(load_model(path, ARCHITECTURE)), weights(trained[0]))


def test_bad_files_are_named(trained, tmp_path):
    path = tmp_path / "model.msgpack"
    with pytest.raises(InputError, match="does not exist"):
        load_model(path, ARCHITECTURE)
    save_model(path, trained[0])
    wider = dataclasses.replace(ARCHITECTURE, widths=(5, 6))
    with pytest.raises(InputError, match="another architecture"):
        load_model(path, wider)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match="cannot be read"):
        load_model(path, ARCHITECTURE)


def test_elbo_against_a_normal_density():
    rng = np.random.default_rng(0)
    images, means = rng.random((2, 3, 4, 4, 3))
    expected = -stats.norm.logpdf(images, means, np.sqrt(0.02)).sum(axis=(1, 2, 3)) + 1.5
    np.testing.assert_allclose(negative_elbo(images, means, np.full(3, 1.5), 0.02), expected, 1e-5)


def test_divergence_of_the_training_stops_it_with_advice(images):
    wild = dataclasses.replace(SCHEDULE, learning_rate=1e30)
    with pytest.raises(InputError, match=r"the loss is (nan|inf)\. Lower the learning rate"):
        train(SHALLOW, images, wild, seed=0)


def test_a_collapsed_decoder_is_noticed(images):
    # A variance this large makes the likelihood flat, and the latent carries nothing.
    blind = dataclasses.replace(SHALLOW, likelihood_variance=1e4)
    idle = dataclasses.replace(SCHEDULE, epochs=1, learning_rate=1e-6)
    with pytest.raises(InputError, match="the decoder has collapsed"):
        train(blind, images, idle, seed=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x[:, :8], "have shape"),
        (lambda x: x[:1], "are too few"),
        (lambda x: x * np.nan, "NaN or infinity"),
    ],
)
def test_unusable_images_are_refused(images, change, message):
    with pytest.raises(InputError, match=message):
        train(ARCHITECTURE, change(images), SCHEDULE, seed=0)


def test_perceptual_loss_is_added(images, trained):
    def constant(originals, reconstructions):
        return 1000.0 + 0 * reconstructions.sum(axis=(1, 2, 3))

    _, shifted = train(ARCHITECTURE, images, SCHEDULE, seed=0, perceptual_loss=constant)
    np.testing.assert_allclose(shifted, trained[1] + 1000.0, rtol=1e-3)
