"""Resolution-free drawing: smooth noise, edges and antialiased strokes in units of the picture.

Positions run from 0 to 1 along each side, so one seed gives the same picture at every resolution.
"""

from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Field = NDArray[np.floating]  # float32 throughout

_CURVE_PARAMETER = np.linspace(0, 1, 17)[:, None]
_SUBPIXELS = 4  # strokes and polygons are drawn at four times the resolution and averaged


@lru_cache(maxsize=8)
def unit_grid(height: int, width: int) -> tuple[Field, Field]:
    """Return the coordinates x, y (height, width) of pixel centres; the shorter side is 0 to 1."""
    short = min(height, width)
    y, x = (np.mgrid[:height, :width].astype(np.float32) + np.float32(0.5)) / np.float32(short)
    x.flags.writeable = y.flags.writeable = False  # shared by every caller
    return x, y


def smoothstep(value: Field, low: float, high: float) -> Field:
    """Return the cubic ramp from 0 at `low` to 1 at `high`."""
    t = np.clip((value - np.float32(low)) / np.float32(high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


@cache
def _spline_basis(pixels: int, cells: int) -> Field:
    """Return the uniform cubic B-spline basis (pixels, cells + 3), rows of unit norm."""
    position = (np.arange(pixels) + 0.5) / pixels * cells
    first = position.astype(int)
    t = position - first
    weights = [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]
    basis = np.zeros((pixels, cells + 3))
    for offset, weight in enumerate(weights):
        basis[np.arange(pixels), first + offset] = weight
    basis /= np.linalg.norm(basis, axis=1, keepdims=True)
    return basis.astype(np.float32)


def smooth_noise(rng: np.random.Generator, height: int, width: int, cells: int) -> Field:
    """Return a Gaussian field of mean 0 and variance 1 with `cells` bumps along each side.

    The random numbers drawn depend on the number of cells alone, never on the resolution.
    """
    knots = rng.standard_normal((cells + 3, cells + 3), dtype=np.float32)
    field = _spline_basis(height, cells) @ knots @ _spline_basis(width, cells).T
    return np.asarray(field, np.float32)


def fractal_noise(
    rng: np.random.Generator, height: int, width: int, cells: Sequence[int], decay: float = 0.8
) -> Field:
    """Return a sum of `smooth_noise` octaves, each `decay` times the one before, variance 1."""
    total = np.zeros((height, width), np.float32)
    weights = decay ** np.arange(len(cells))
    for weight, count in zip(weights / np.linalg.norm(weights), cells, strict=True):
        total += np.float32(weight) * smooth_noise(rng, height, width, count)
    return total


def _downsampled(canvas: Image.Image) -> Field:
    return np.asarray(canvas.reduce(_SUBPIXELS), np.float32) / np.float32(255)


def _canvas(height: int, width: int) -> tuple[Image.Image, ImageDraw.ImageDraw, float]:
    canvas = Image.new("L", (width * _SUBPIXELS, height * _SUBPIXELS))
    return canvas, ImageDraw.Draw(canvas), min(height, width) * _SUBPIXELS


def _pixels(points: NDArray[np.floating], scale: float) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in points * scale - 0.5]


def strokes(
    height: int, width: int, lines: Sequence[NDArray[np.floating]], thickness: Sequence[float]
) -> Field:
    """Return the coverage (height, width) in [0, 1] of polylines, with round ends.

    Parameters
    ----------
    lines : sequence of ndarray (points, 2)
        x, y in units of the shorter side.
    thickness : sequence of float
        In the same units. A line thinner than a subpixel is drawn fainter instead.
    """
    canvas, draw, scale = _canvas(height, width)
    for line, thick in zip(lines, thickness, strict=True):
        pixels = thick * scale
        points = _pixels(line, scale)
        draw.line(
            points, fill=round(255 * min(1.0, pixels)), width=max(1, round(pixels)), joint="curve"
        )
        if pixels > 2:
            for x, y in (points[0], points[-1]):
                radius = pixels / 2
                draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return _downsampled(canvas)


def polygons(height: int, width: int, shapes: Sequence[NDArray[np.floating]]) -> Field:
    """Return the coverage (height, width) in [0, 1] of filled polygons, points as in `strokes`."""
    canvas, draw, scale = _canvas(height, width)
    for shape in shapes:
        draw.polygon(_pixels(shape, scale), fill=255)
    return _downsampled(canvas)


def curve(
    start: NDArray[np.floating], control: NDArray[np.floating], end: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return 17 points (17, 2) of the quadratic Bezier curve through `start` and `end`."""
    t = _CURVE_PARAMETER
    return (1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end


def random_hairs(
    rng: np.random.Generator, count: int, length: tuple[float, float], aspect: float = 1.0
) -> list[NDArray[np.float64]]:
    """Return `count` curved hairs that lie roughly in one direction, `aspect` = width / height."""
    direction = rng.uniform(0, 2 * np.pi)
    hairs = []
    for _ in range(count):
        angle = direction + rng.normal(0, 0.45)
        step = rng.uniform(*length) * np.array([np.cos(angle), np.sin(angle)])
        sideways = rng.normal(0, 0.18) * np.array([-step[1], step[0]])
        middle = rng.uniform(-0.05, 1.05, 2) * (max(aspect, 1.0), max(1 / aspect, 1.0))
        hairs.append(curve(middle - step / 2, middle + sideways, middle + step / 2))
    return hairs
