"""Training of the VAE: negative ELBO, Adam with cosine decay, checkpoints that resume exactly."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flax.serialization
import jax
import jax.numpy as jnp
import numpy as np
import optax

from slugkit.errors import InputError
from slugkit.files import atomic_path
from slugkit.model.architecture import Architecture
from slugkit.model.schedule import Schedule
from slugkit.model.vae import TrainedVAE, initialise, training_forward
from slugkit.operators.batches import evaluate, repeat, split
from slugkit.progress import ProgressCallback, stay_silent

PerceptualLoss = Callable[[jax.Array, jax.Array], jax.Array]


def negative_elbo(
    images: jax.Array, reconstructions: jax.Array, divergence: jax.Array, variance: float
) -> jax.Array:
    """Return -ELBO of each image in nats: ``|x - x_hat|^2 / (2 v) + D/2 log(2 pi v) + KL``.

    Parameters
    ----------
    images, reconstructions
        (n, H, W, 3), values in [0, 1].
    divergence
        ``KL(q(z|x) || N(0, I))``, (n,), in nats.
    variance
        v, the variance of the Gaussian likelihood.

    References
    ----------
    The paper's section 3.1, equation 2.
    """
    error = jnp.sum((images - reconstructions) ** 2, axis=(1, 2, 3))
    dimension = images[0].size
    return error / (2 * variance) + dimension / 2 * jnp.log(2 * jnp.pi * variance) + divergence


def train(
    architecture: Architecture,
    images: np.ndarray,
    schedule: Schedule,
    *,
    seed: int,
    checkpoint: str | os.PathLike[str] | None = None,
    perceptual_loss: PerceptualLoss | None = None,
    progress: ProgressCallback = stay_silent,
) -> tuple[TrainedVAE, np.ndarray]:
    """Minimise the mean negative ELBO (plus the perceptual loss, equation 3) over the images.

    Parameters
    ----------
    images
        (n, H, W, 3) float32 in [0, 1]; each is flipped at random along both axes as augmentation.
        Where JAX has several devices, each batch is split over as many as divide it.
    seed
        Decides the initial weights, the order of the images, the flips and the latent noise.
    checkpoint
        A file to write the whole state to every few epochs, and to continue from if it exists:
        a killed training gives the same weights, bit for bit, as one that ran through.
    perceptual_loss
        (images, reconstructions) to a loss per image, added to the negative ELBO.

    Returns
    -------
    The trained network, and the mean loss of each epoch in nats per image, (epochs,).

    Raises
    ------
    InputError
        The images do not fit the architecture; or the loss is no longer finite; or the decoder
        has collapsed, that is, reconstructs no better than the mean training image.
    """
    _check_images(architecture, images, schedule)
    batch_size = min(schedule.batch_size, len(images))
    steps_per_epoch = len(images) // batch_size
    optimiser, step = make_step(
        architecture, schedule.learning_rate, schedule.epochs * steps_per_epoch, perceptual_loss
    )
    model = initialise(architecture, seed)
    state = {
        "params": model.params,
        "batch_stats": model.batch_stats,
        "optimiser": optimiser.init(model.params),
        "losses": np.zeros(schedule.epochs, np.float32),
        "epoch": 0,
    }
    if checkpoint is not None and Path(checkpoint).exists():
        state = _restore(checkpoint, state)
    key = jax.random.key(seed)
    losses = np.array(state["losses"])
    for name in ("params", "batch_stats", "optimiser"):
        state[name] = repeat(state[name], batch_size)
    for epoch in range(int(state["epoch"]), schedule.epochs):
        order = np.random.default_rng([seed, epoch]).permutation(len(images))
        total = jnp.zeros(())
        for i in range(steps_per_epoch):
            batch = split(images[order[i * batch_size : (i + 1) * batch_size]])
            step_key = jax.random.fold_in(key, epoch * steps_per_epoch + i)
            state["params"], state["batch_stats"], state["optimiser"], loss = step(
                state["params"], state["batch_stats"], state["optimiser"], batch, step_key
            )
            total += loss
        losses[epoch] = float(total) / steps_per_epoch
        if not np.isfinite(losses[epoch]):
            raise InputError(
                f"training stopped in epoch {epoch + 1}: the loss is {losses[epoch]}. Lower the "
                f"learning rate (now {schedule.learning_rate}) or raise the likelihood variance "
                f"(now {architecture.likelihood_variance})"
            )
        finished = epoch + 1
        progress(finished, schedule.epochs, f"loss {losses[epoch]:.0f} nats per image")
        if checkpoint is not None and (
            finished % schedule.checkpoint_every == 0 or finished == schedule.epochs
        ):
            state = {**state, "losses": losses, "epoch": finished}
            _save(checkpoint, state)
    # Off the devices of the training, which may be fewer than all.
    weights = jax.device_get((state["params"], state["batch_stats"]))
    trained = TrainedVAE(architecture, *weights)
    _check_collapse(trained, images, schedule)
    return trained, losses


def save_model(path: str | os.PathLike[str], model: TrainedVAE) -> None:
    """Write a network's parameters and batch statistics to one file, atomically."""
    _save(path, {"params": model.params, "batch_stats": model.batch_stats})


def load_model(path: str | os.PathLike[str], architecture: Architecture) -> TrainedVAE:
    """Read what `save_model` wrote.

    Raises
    ------
    InputError
        The file is missing, cut short, or belongs to another architecture.
    """
    model = initialise(architecture, seed=0)
    state = _restore(path, {"params": model.params, "batch_stats": model.batch_stats})
    return TrainedVAE(architecture, state["params"], state["batch_stats"])


# Kept, so that networks which are trained alike are compiled once.
@functools.lru_cache(maxsize=2)
def make_step(
    architecture: Architecture,
    learning_rate: float,
    num_steps: int,
    perceptual_loss: PerceptualLoss | None = None,
) -> tuple[optax.GradientTransformation, Any]:
    """Return Adam with cosine decay, and the compiled step of it.

    ``step(params, batch_stats, optimiser_state, images, key)`` gives the first three anew, reusing
    their memory, and the mean loss before the step.
    """
    optimiser = optax.adam(optax.cosine_decay_schedule(learning_rate, num_steps))
    forward = training_forward(architecture)

    def mean_loss(params: dict, batch_stats: dict, images: jax.Array, key: jax.Array):
        reconstructions, divergence, batch_stats = forward(params, batch_stats, images, key)
        loss = negative_elbo(images, reconstructions, divergence, architecture.likelihood_variance)
        if perceptual_loss is not None:
            loss = loss + perceptual_loss(images, reconstructions)
        return jnp.mean(loss), batch_stats

    def step(params: dict, batch_stats: dict, optimiser_state: Any, images, key):
        flip_key, noise_key = jax.random.split(key)
        images = _flip(images, flip_key)
        (loss, batch_stats), gradient = jax.value_and_grad(mean_loss, has_aux=True)(
            params, batch_stats, images, noise_key
        )
        updates, optimiser_state = optimiser.update(gradient, optimiser_state, params)
        return optax.apply_updates(params, updates), batch_stats, optimiser_state, loss

    return optimiser, jax.jit(step, donate_argnums=(0, 1, 2))


def _flip(images: jax.Array, key: jax.Array) -> jax.Array:
    vertical, horizontal = jax.random.bernoulli(key, shape=(2, len(images), 1, 1, 1))
    images = jnp.where(vertical, images[:, ::-1], images)
    return jnp.where(horizontal, images[:, :, ::-1], images)


def _check_images(architecture: Architecture, images: np.ndarray, schedule: Schedule) -> None:
    side = architecture.image_size
    if images.ndim != 4 or images.shape[1:] != (side, side, 3):
        raise InputError(
            f"the training images have shape {images.shape}, the network takes "
            f"(n, {side}, {side}, 3): prepare them at {side} pixels"
        )
    if len(images) < 2:
        raise InputError(f"{len(images)} training images are too few: give at least 2")
    if not np.isfinite(images).all():
        raise InputError("the training images hold NaN or infinity: prepare them again")
    if schedule.epochs < 1 or schedule.batch_size < 1:
        raise InputError(
            f"epochs ({schedule.epochs}) and batch_size ({schedule.batch_size}) must be at least 1"
        )


def _check_collapse(model: TrainedVAE, images: np.ndarray, schedule: Schedule) -> None:
    sample = images[: min(len(images), 256)]
    reconstructions = evaluate(model.reconstruct(), model.params, sample, schedule.batch_size)
    error = float(np.mean((sample - reconstructions) ** 2))
    baseline = float(np.mean((sample - sample.mean(axis=0)) ** 2))
    if error >= baseline:
        raise InputError(
            f"the decoder has collapsed: mean squared error {error:.4f}, no better than "
            f"{baseline:.4f} for the mean training image. Train longer than {schedule.epochs} "
            f"epochs, lower the likelihood variance (now {model.architecture.likelihood_variance})"
            f" or enlarge the latent (now {model.architecture.latent_size})"
        )


def _save(path: str | os.PathLike[str], state: dict) -> None:
    with atomic_path(path) as partial:
        partial.write_bytes(flax.serialization.to_bytes(jax.device_get(state)))


def _restore(path: str | os.PathLike[str], like: dict) -> dict:
    try:
        state = flax.serialization.from_bytes(like, Path(path).read_bytes())
    except FileNotFoundError:
        raise InputError(f"{path} does not exist: train the model first") from None
    except Exception as error:
        raise InputError(
            f"{path} cannot be read as a saved network ({error}): delete it and train again"
        ) from error
    expected, found = ([np.shape(leaf) for leaf in jax.tree.leaves(tree)] for tree in (like, state))
    if expected != found:
        raise InputError(
            f"{path} belongs to another architecture or schedule: delete it and train again"
        )
    return state
