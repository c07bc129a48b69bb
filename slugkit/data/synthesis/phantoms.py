"""Synthetic volumes with lesions, and foreign objects in them, each with its exact mask.

A phantom is a body with two organs, ellipsoids with soft edges in a smooth texture, and one or two
round lesions. It may have any number of axes, so that a slice and a volume can be compared.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter

BODY, ORGANS, LESION, NEEDLE = 0.35, (0.55, 0.15), 0.8, 1.0
NOISE = 0.01
_FAINTEST = 0.1  # least coverage of a voxel that still counts as covered


def phantoms(
    count: int, shape: tuple[int, ...], seed: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return phantoms (n, ..., 1) in [0, 1] and the masks (n, ...) of their lesions.

    Parameters
    ----------
    count
        The number n.
    shape
        Of each, such as (16, 16, 16); the shortest side is 2 units long.
    seed
        Of the random numbers.
    """
    made = [_phantom(np.random.default_rng([seed, i]), shape) for i in range(count)]
    volumes, masks = (np.stack(parts) for parts in zip(*made, strict=True))
    return volumes[..., None].astype(np.float32), masks


def with_needles(volumes: ArrayLike, seed: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return copies of volumes (n, ..., 1) with a straight needle each, and their masks (n, ...).

    Every other voxel keeps its bits.
    """
    changed = np.array(volumes, np.float32)
    masks = np.zeros(changed.shape[:-1], bool)
    for i, volume in enumerate(changed[..., 0]):
        coverage = _needle(np.random.default_rng([seed, i]), volume.shape)
        masks[i] = (coverage >= _FAINTEST) & (volume < NEEDLE)
        drawn = volume + coverage * (NEEDLE - volume)
        changed[i, ..., 0] = np.where(masks[i], drawn, volume)
    return changed, masks


def _phantom(
    random: np.random.Generator, shape: tuple[int, ...]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    grid, axes = _grid(shape), len(shape)
    texture = gaussian_filter(random.normal(size=shape), min(shape) / 10)
    body = _ellipsoid(grid, random.uniform(-0.1, 0.1, axes), random.uniform(0.7, 0.9, axes))
    volume = body * (BODY + 0.04 * texture / texture.std())
    for side, value in zip((-1, 1), ORGANS, strict=True):
        centre = random.uniform(-0.1, 0.1, axes)
        centre[0] += 0.35 * side
        organ = _ellipsoid(grid, centre, random.uniform(0.2, 0.35, axes))
        volume += body * organ * (value - volume)
    mask = np.zeros(shape, bool)
    for _ in range(random.integers(1, 3)):
        radius = np.full(axes, random.uniform(0.12, 0.2))
        lesion = _ellipsoid(grid, random.uniform(-0.4, 0.4, axes), radius)
        volume += lesion * (LESION - volume)
        mask |= lesion >= _FAINTEST
    return np.clip(volume + NOISE * random.normal(size=shape), 0, 1), mask


def _needle(random: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return how much of each voxel lies in a needle, about one voxel thick at least."""
    grid, voxel = _grid(shape), 2 / min(shape)
    direction = random.normal(size=len(shape))
    direction /= np.linalg.norm(direction)
    away = grid - random.uniform(-0.3, 0.3, len(shape))
    along = away @ direction
    across = np.linalg.norm(away - along[..., None] * direction, axis=-1)
    inside = np.clip((max(0.06, 0.6 * voxel) - across) / voxel + 0.5, 0, 1)
    return inside * np.clip((0.6 - np.abs(along)) / voxel + 0.5, 0, 1)


def _grid(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the places (..., d) of the voxels, in units of half the shortest side."""
    sides = [(np.arange(side) + 0.5 - side / 2) * 2 / min(shape) for side in shape]
    return np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1)


def _ellipsoid(
    grid: NDArray[np.float64], centre: NDArray[np.float64], radii: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how much of each voxel lies in an ellipsoid."""
    distance = np.linalg.norm((grid - centre) / radii, axis=-1)
    voxel = 2 / min(grid.shape[:-1])
    return np.clip((1 - distance) * radii.min() / voxel + 0.5, 0, 1)
