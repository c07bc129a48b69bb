"""Drawings of foreign objects on skin: ruler, ink, patch, gel, dark corner, hair.

Each takes the picture, a generator and a size factor, and returns a colour and its coverage.
Lengths are in units of the picture's shorter side, so the same generator state draws the same
object at every resolution.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from slugkit.data.synthesis.drawing import (
    Field,
    fractal_noise,
    polygons,
    random_hairs,
    smooth_noise,
    smoothstep,
    strokes,
    unit_grid,
)

Layer = tuple[NDArray[np.floating], Field]  # colour, broadcastable to (H, W, 3); coverage (H, W)
Points = NDArray[np.floating]


def _extent(image: Field) -> NDArray[np.float64]:
    """Return the width and height of the picture in units of its shorter side."""
    height, width = image.shape[:2]
    return np.array([width, height]) / min(height, width)


def _border_point(extent: NDArray[np.float64], rng: np.random.Generator, inset: float) -> Points:
    """Return a point at a distance `inset` inside a random side, and the inward normal (2, 2)."""
    along = rng.uniform(0.25, 0.75) * extent
    side = rng.integers(4)
    axis, far = divmod(int(side), 2)
    along[axis] = extent[axis] - inset if far else inset
    normal = np.zeros(2)
    normal[axis] = -1.0 if far else 1.0
    return np.stack([along, normal])


def _ticks(length: float, spacing: float, tick: float) -> list[Points]:
    """Return the marks of a scale along u from 0, every fifth longer, as lines in (u, v)."""
    marks = []
    for i in range(int(length / spacing + 1e-9) + 1):
        reach = tick * (1.0 if i % 10 == 0 else 0.75 if i % 5 == 0 else 0.45)
        marks.append(np.array([[i * spacing, 0.0], [i * spacing, reach]]))
    return marks


def _placed(lines: Sequence[Points], origin: Points, along: Points, across: Points) -> list[Points]:
    return [origin + line[:, :1] * along + line[:, 1:] * across for line in lines]


def _ruler(image: Field, rng: np.random.Generator, scale: float) -> Layer:
    """Return either a white ruler of paper at one side or the bare scale of a dermatoscope."""
    height, width = image.shape[:2]
    extent = _extent(image)
    paper = rng.uniform() < 0.5
    inset = scale * rng.uniform(0.10, 0.20) if paper else rng.uniform(0.10, 0.22)
    point, inward = _border_point(extent, rng, inset)
    tilt = rng.normal(0, 0.12)
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    across = turn @ -inward
    along = np.array([-across[1], across[0]])
    thick = max(scale * rng.uniform(0.006, 0.010), 0.6 / min(height, width))
    if paper:
        length = 3 * float(extent.max())
        marks = _ticks(length, scale * rng.uniform(0.03, 0.05), 0.6 * inset)
        origin = point - along * length / 2
        strip = np.array([[0, 0], [length, 0], [length, 3.0], [0, 3.0]])
        cover = polygons(height, width, _placed([strip], origin, along, across))
        ink = strokes(height, width, _placed(marks, origin, along, across), [thick] * len(marks))
        white = rng.uniform(0.78, 0.95) * np.array([1.0, 0.99, 0.94])
        shade = 1 + 0.03 * smooth_noise(rng, height, width, 3)
        colour = np.clip(shade[..., None] * white, 0, 1) * (1 - 0.85 * ink[..., None])
        return colour, cover
    length = scale * rng.uniform(0.4, 0.7)
    marks = _ticks(length, length / 10 if rng.uniform() < 0.5 else length / 20, scale * 0.05)
    marks.append(np.array([[0.0, 0.0], [length, 0.0]]))
    lines = _placed(marks, point - along * length / 2, along, across)
    return np.full(3, rng.uniform(0.05, 0.2)), strokes(height, width, lines, [thick] * len(lines))


_INKS = ((0.42, 0.16, 0.62), (0.30, 0.24, 0.66), (0.16, 0.22, 0.55), (0.14, 0.20, 0.24))


def _ink(image: Field, rng: np.random.Generator, scale: float) -> Layer:
    """Return the marks of a skin pen: a wobbly ring about the lesion, or a few dabs."""
    height, width = image.shape[:2]
    extent = _extent(image)
    lines = []
    if rng.uniform() < 0.5:
        turn = np.linspace(0, 2 * np.pi * rng.uniform(0.8, 1.03), 60) + rng.uniform(0, 2 * np.pi)
        waves = np.array([2, 3, 5])[:, None]
        heights, phases = rng.normal(0, 0.06, (3, 1)), rng.uniform(0, 2 * np.pi, (3, 1))
        wobble = np.sum(heights * np.cos(waves * turn + phases), axis=0)
        radius = min(scale, 1.3) * rng.uniform(0.27, 0.36, 2) * (1 + wobble)[:, None]
        middle = extent / 2 + rng.normal(0, 0.03, 2)
        lines.append(middle + radius * np.stack([np.cos(turn), np.sin(turn)], axis=-1))
        thickness = [scale * rng.uniform(0.018, 0.035)]
    else:
        for _ in range(rng.integers(2, 6)):
            start, _ = _border_point(extent, rng, rng.uniform(0.10, 0.25))
            steps = rng.normal(0, 0.035 * scale, (rng.integers(4, 10), 2))
            lines.append(start + np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)]))
        thickness = [scale * rng.uniform(0.02, 0.045) for _ in lines]
    cover = strokes(height, width, lines, np.maximum(thickness, 1 / min(height, width)).tolist())
    dry = smoothstep(fractal_noise(rng, height, width, (16, 32)), -1.8, 0.6)
    pigment = np.array(_INKS[rng.integers(len(_INKS))])
    # A dye filters the light of the skin below, and scatters a little of its own.
    return pigment * (0.45 * image + 0.5), cover * (0.35 + 0.55 * dry)


_PATCHES = (
    (0.27, 0.68, 0.66),
    (0.95, 0.52, 0.10),
    (0.87, 0.86, 0.12),
    (0.22, 0.47, 0.90),
    (0.38, 0.68, 0.22),
    (0.90, 0.42, 0.36),
)


def _patch(image: Field, rng: np.random.Generator, scale: float) -> Layer:
    """Return a round coloured sticker that enters the picture from one side."""
    height, width = image.shape[:2]
    point, inward = _border_point(_extent(image), rng, 0.0)
    x, y = unit_grid(height, width)
    short, long = scale * rng.uniform(0.16, 0.24), scale * rng.uniform(0.26, 0.40)
    centre = point + inward * short * rng.uniform(-0.3, 0.2)
    semi = np.where(inward != 0, short, long)
    radius = np.sqrt(((x - centre[0]) / semi[0]) ** 2 + ((y - centre[1]) / semi[1]) ** 2)
    softness = 1.0 / (min(height, width) * short)  # one pixel
    first, second = rng.permutation(len(_PATCHES))[:2]
    colour = np.broadcast_to(np.array(_PATCHES[first], np.float32), image.shape)
    if rng.uniform() < 0.35:
        inner = 1 - smoothstep(radius, 0.45, 0.45 + softness)
        colour = colour + inner[..., None] * (np.array(_PATCHES[second], np.float32) - colour)
    paper = 0.015 * fractal_noise(rng, height, width, (24, 48))
    rim = 0.18 * smoothstep(radius, 0.88, 1.0)
    shade = rng.uniform(0.85, 1.0) + paper + 0.03 * smooth_noise(rng, height, width, 3) - rim
    return np.clip(colour * shade[..., None], 0, 1), 1 - smoothstep(radius, 1 - softness, 1)


def _gel(image: Field, rng: np.random.Generator, scale: float) -> Layer:
    """Return air bubbles in the gel: each a small lens with a bright rim and a highlight."""
    height, width = image.shape[:2]
    extent, short = _extent(image), min(height, width)
    x, y = unit_grid(height, width)
    cover = np.zeros((height, width), np.float32)
    glow = np.zeros((height, width), np.float32)
    look_x, look_y = x.copy(), y.copy()
    angle = rng.uniform(0, 2 * np.pi)
    light = np.array([np.cos(angle), np.sin(angle)])
    for _ in range(rng.integers(2, 8)):
        radius = max(scale * 0.035 * np.exp(rng.normal(0.35, 0.5)), 1.5 / short)
        centre = rng.uniform(0.05, 0.95, 2) * extent
        dx, dy = (x - centre[0]) / radius, (y - centre[1]) / radius
        distance = np.sqrt(dx**2 + dy**2).astype(np.float32)
        softness = 1.0 / (short * radius)
        inside = 1 - smoothstep(distance, 1 - softness, 1)
        within = inside > 0
        look_x[within] = centre[0] + (1.5 * radius * dx)[within]
        look_y[within] = centre[1] + (1.5 * radius * dy)[within]
        facing = dx * light[0] + dy * light[1]
        rim = smoothstep(distance, 0.62, 0.95) * (0.30 + 0.35 * facing)
        spot = 0.6 * np.exp(-(((dx - 0.5 * light[0]) ** 2 + (dy - 0.5 * light[1]) ** 2) / 0.04))
        glow = np.where(within, 0.06 + np.clip(rim, 0, 1) + spot, glow)
        cover = np.maximum(cover, inside)
    rows, columns = look_y * short - 0.5, look_x * short - 0.5
    seen = [
        map_coordinates(image[..., c], [rows, columns], order=1, mode="nearest") for c in (0, 1, 2)
    ]
    lens = np.stack(seen, axis=-1)
    gleam = np.clip(glow, 0, 0.95)[..., None]
    return lens + gleam * (np.array([0.96, 0.97, 0.98]) - lens), cover


def _corner(image: Field, rng: np.random.Generator, scale: float) -> Layer:
    """Return the dark surround of a dermatoscope's round field of view."""
    height, width = image.shape[:2]
    extent = _extent(image)
    x, y = unit_grid(height, width)
    centre = extent / 2 + rng.normal(0, 0.03, 2)
    half_diagonal = float(np.hypot(*extent)) / 2
    softness = rng.uniform(0.02, 0.10)
    radius = half_diagonal * max(0.3, 1 - scale * rng.uniform(0.15, 0.30))
    # However small the picture, its farthest corner stays dark.
    radius = min(radius, half_diagonal - 1 / min(height, width) - softness / 4)
    distance = np.hypot(x - centre[0], y - centre[1]).astype(np.float32)
    dark = np.array([1.0, 0.9, 0.95]) * rng.uniform(0.01, 0.08)
    return dark, smoothstep(distance, radius, radius + softness)


def _hair(image: Field, rng: np.random.Generator, scale: float) -> Layer:
    """Return coarse dark hairs across the picture."""
    height, width = image.shape[:2]
    extent = _extent(image)
    hairs = random_hairs(rng, int(rng.integers(6, 20)), (0.3, 0.9), extent[0] / extent[1])
    thick = scale * rng.uniform(0.007, 0.014, len(hairs))
    cover = strokes(height, width, hairs, np.maximum(thick, 0.6 / min(height, width)).tolist())
    return rng.uniform(0.06, 0.22) * np.array([1.0, 0.8, 0.65]), 0.92 * cover


DRAW: dict[str, Callable[[Field, np.random.Generator, float], Layer]] = {
    "ruler": _ruler,
    "ink": _ink,
    "patch": _patch,
    "gel": _gel,
    "corner": _corner,
    "hair": _hair,
}
