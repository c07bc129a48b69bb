"""Baselines that use no uncertainty of the weights, and the error that all are to predict."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import ndimage

from slugkit.baselines.interface import (
    BYTES,
    Baseline,
    Comparison,
    Cost,
    Kind,
    Problem,
    over_pixels,
)
from slugkit.baselines.latents import encode, to_pixels
from slugkit.model.divergence import divergence
from slugkit.operators.batches import evaluate

_OF_THE_IMAGE = Cost(trainings=0)
_OF_THE_LATENT = Cost(forward_passes=1)


def edge_energy(images: np.ndarray) -> np.ndarray:
    """Return the squared difference of each pixel from its right and its lower neighbour (n, H, W).

    >>> edge_energy(np.array([[[[0.0], [2.0]]]])).tolist()
    [[[4.0, 0.0]]]
    """
    map_ = np.zeros(images.shape[:3])
    map_[:, :-1] += np.sum(np.diff(images, axis=1) ** 2, axis=-1)
    map_[:, :, :-1] += np.sum(np.diff(images, axis=2) ** 2, axis=-1)
    return map_


@dataclass(frozen=True)
class EdgeEnergy(Baseline):
    """The squared difference of each pixel from its right and its lower neighbour."""

    name: ClassVar[str] = "edge_energy"
    title: ClassVar[str] = "edge energy"
    kind: ClassVar[Kind] = "trivial"

    def compare(self, problem: Problem) -> Comparison:
        """Return score and map; see `Baseline`."""
        map_ = edge_energy(problem.images)
        return Comparison(over_pixels(map_), map_, _OF_THE_IMAGE)


@dataclass(frozen=True)
class LocalContrast(Baseline):
    """The variance within the neighbourhood of each pixel, summed over channels.

    Parameters
    ----------
    window
        Pixels a side of the neighbourhood.
    """

    name: ClassVar[str] = "local_contrast"
    title: ClassVar[str] = "local contrast"
    kind: ClassVar[Kind] = "trivial"

    window: int = 5

    def compare(self, problem: Problem) -> Comparison:
        """Return score and map; see `Baseline`."""
        window = (1, self.window, self.window, 1)
        images = np.asarray(problem.images, float)
        centre = ndimage.uniform_filter(images, window, mode="nearest")
        square = ndimage.uniform_filter(images**2, window, mode="nearest")
        map_ = np.maximum(square - centre**2, 0).sum(axis=-1)
        return Comparison(over_pixels(map_), map_, _OF_THE_IMAGE)


@dataclass(frozen=True)
class ColourDistance(Baseline):
    """The squared distance of each pixel from the image's median colour."""

    name: ClassVar[str] = "colour_distance"
    title: ClassVar[str] = "distance to median colour"
    kind: ClassVar[Kind] = "trivial"

    def compare(self, problem: Problem) -> Comparison:
        """Return score and map; see `Baseline`."""
        median = np.median(problem.images, axis=(1, 2), keepdims=True)
        map_ = np.sum((problem.images - median) ** 2, axis=-1)
        return Comparison(over_pixels(map_), map_, _OF_THE_IMAGE)


@dataclass(frozen=True)
class NearestInPixels(Baseline):
    """The squared distance to the nearest training image, pixel by pixel."""

    name: ClassVar[str] = "nearest_in_pixels"
    title: ClassVar[str] = "nearest neighbour (pixels)"
    kind: ClassVar[Kind] = "trivial"

    def compare(self, problem: Problem) -> Comparison:
        """Return score and map; see `Baseline`."""
        nearest, _ = _nearest(problem.train_images, problem.images)
        map_ = np.sum((problem.images - problem.train_images[nearest]) ** 2, axis=-1)
        cost = Cost(trainings=0, memory_bytes=problem.train_images.size * BYTES)
        return Comparison(over_pixels(map_), map_, cost)


@dataclass(frozen=True)
class NearestInLatent(Baseline):
    """The squared distance of the latent mean to the nearest one of a training image."""

    name: ClassVar[str] = "nearest_in_latent"
    title: ClassVar[str] = "nearest neighbour (latent)"
    kind: ClassVar[Kind] = "trivial"

    def compare(self, problem: Problem) -> Comparison:
        """Return score and map; see `Baseline`."""
        known, _ = encode(problem, problem.train_images)
        mean, _ = encode(problem, problem.images)
        nearest, squared = _nearest(known, mean)
        map_ = to_pixels((mean - known[nearest]) ** 2, problem.images.shape[1:3])
        cost = Cost(forward_passes=1, memory_bytes=known.size * BYTES)
        return Comparison(squared, map_, cost)


@dataclass(frozen=True)
class Divergence(Baseline):
    """The divergence of q(z|x) from the prior, in nats."""

    name: ClassVar[str] = "divergence"
    title: ClassVar[str] = "KL divergence"
    kind: ClassVar[Kind] = "trivial"

    def compare(self, problem: Problem) -> Comparison:
        """Return score and map; see `Baseline`."""
        mean, standard_deviation = encode(problem, problem.images)
        values = divergence(mean, standard_deviation**2, 2 * np.log(standard_deviation))
        map_ = to_pixels(values, problem.images.shape[1:3])
        return Comparison(over_pixels(values), map_, _OF_THE_LATENT)


@dataclass(frozen=True)
class NormOfMean(Baseline):
    """The squared norm of the latent mean."""

    name: ClassVar[str] = "norm_of_mean"
    title: ClassVar[str] = "norm of the latent mean"
    kind: ClassVar[Kind] = "trivial"

    def compare(self, problem: Problem) -> Comparison:
        """Return score and map; see `Baseline`."""
        squares = encode(problem, problem.images)[0] ** 2
        map_ = to_pixels(squares, problem.images.shape[1:3])
        return Comparison(over_pixels(squares), map_, _OF_THE_LATENT)


@dataclass(frozen=True)
class SquaredError(Baseline):
    """|x - x_hat|^2, summed over channels for the map and over the image for the score.

    It is what the others are to predict: an oracle for images, a rival for pixels.
    """

    name: ClassVar[str] = "squared_error"
    title: ClassVar[str] = "squared error (oracle)"
    kind: ClassVar[Kind] = "oracle"

    def compare(self, problem: Problem) -> Comparison:
        """Return score and map; see `Baseline`."""
        model = problem.model
        made = evaluate(model.reconstruct(), model.params, problem.images, problem.batch_size)
        map_ = np.sum((problem.images - made) ** 2, axis=-1)
        return Comparison(over_pixels(map_), map_, Cost(forward_passes=1))


def _nearest(known: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return, for each new array, the place of the nearest known one and its squared distance."""
    known = known.reshape(len(known), -1).astype(float)
    squared = np.stack([np.sum((known - one) ** 2, axis=1) for one in new.reshape(len(new), -1)])
    return squared.argmin(axis=1), squared.min(axis=1)
