"""Comparators that know nothing of the weights: the image, its latent, its nearest neighbour."""

import jax
import numpy as np
from scipy import ndimage

from slugkit.baselines.comparison import (
    BYTES,
    Autoencoder,
    Comparison,
    Cost,
    Settings,
    over_pixels,
)
from slugkit.baselines.latents import divergences, encode, to_pixels

# Pixels a side of the neighbourhood whose deviation is the local contrast.
WINDOW = 5

_OF_THE_IMAGE = Cost(trainings=0)
_OF_THE_LATENT = Cost(forward_passes=1)


def edge_energy(
    model: Autoencoder,
    train_images: np.ndarray,
    images: np.ndarray,
    key: jax.Array,
    settings: Settings,
) -> Comparison:
    """Return the squared difference of each pixel from its right and its lower neighbour."""
    map_ = np.zeros(images.shape[:3])
    map_[:, :-1] += np.sum(np.diff(images, axis=1) ** 2, axis=-1)
    map_[:, :, :-1] += np.sum(np.diff(images, axis=2) ** 2, axis=-1)
    return Comparison(over_pixels(map_), map_, _OF_THE_IMAGE)


def local_contrast(
    model: Autoencoder,
    train_images: np.ndarray,
    images: np.ndarray,
    key: jax.Array,
    settings: Settings,
) -> Comparison:
    """Return the variance within the neighbourhood of each pixel, summed over channels."""
    window = (1, WINDOW, WINDOW, 1)
    images = np.asarray(images, float)
    centre = ndimage.uniform_filter(images, window, mode="nearest")
    square = ndimage.uniform_filter(images**2, window, mode="nearest")
    map_ = np.maximum(square - centre**2, 0).sum(axis=-1)
    return Comparison(over_pixels(map_), map_, _OF_THE_IMAGE)


def colour_distance(
    model: Autoencoder,
    train_images: np.ndarray,
    images: np.ndarray,
    key: jax.Array,
    settings: Settings,
) -> Comparison:
    """Return the squared distance of each pixel from the image's median colour."""
    median = np.median(images, axis=(1, 2), keepdims=True)
    map_ = np.sum((images - median) ** 2, axis=-1)
    return Comparison(over_pixels(map_), map_, _OF_THE_IMAGE)


def nearest_in_pixels(
    model: Autoencoder,
    train_images: np.ndarray,
    images: np.ndarray,
    key: jax.Array,
    settings: Settings,
) -> Comparison:
    """Return the squared distance to the nearest training image, pixel by pixel."""
    nearest, _ = _nearest(train_images, images)
    map_ = np.sum((images - train_images[nearest]) ** 2, axis=-1)
    cost = Cost(trainings=0, memory_bytes=train_images.size * BYTES)
    return Comparison(over_pixels(map_), map_, cost)


def nearest_in_latent(
    model: Autoencoder,
    train_images: np.ndarray,
    images: np.ndarray,
    key: jax.Array,
    settings: Settings,
) -> Comparison:
    """Return the squared distance of the latent mean to the nearest one of a training image."""
    known, _ = encode(model, train_images, settings.batch_size)
    mean, _ = encode(model, images, settings.batch_size)
    nearest, squared = _nearest(known, mean)
    map_ = to_pixels((mean - known[nearest]) ** 2, images.shape[1:3])
    cost = Cost(forward_passes=1, memory_bytes=known.size * BYTES)
    return Comparison(squared, map_, cost)


def divergence(
    model: Autoencoder,
    train_images: np.ndarray,
    images: np.ndarray,
    key: jax.Array,
    settings: Settings,
) -> Comparison:
    """Return the divergence of q(z|x) from the prior, in nats."""
    values = divergences(*encode(model, images, settings.batch_size))
    return Comparison(over_pixels(values), to_pixels(values, images.shape[1:3]), _OF_THE_LATENT)


def norm_of_mean(
    model: Autoencoder,
    train_images: np.ndarray,
    images: np.ndarray,
    key: jax.Array,
    settings: Settings,
) -> Comparison:
    """Return the squared norm of the latent mean."""
    squares = encode(model, images, settings.batch_size)[0] ** 2
    return Comparison(over_pixels(squares), to_pixels(squares, images.shape[1:3]), _OF_THE_LATENT)


def _nearest(known: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return, for each new array, the place of the nearest known one and its squared distance."""
    known = known.reshape(len(known), -1).astype(float)
    squared = np.stack([np.sum((known - one) ** 2, axis=1) for one in new.reshape(len(new), -1)])
    return squared.argmin(axis=1), squared.min(axis=1)
