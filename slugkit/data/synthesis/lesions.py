"""Lesions as local changes of melanin, blood, relief and scale, drawn alike for every skin type."""

import math
from dataclasses import dataclass

import numpy as np

from slugkit.data.synthesis.drawing import Field, fractal_noise, smoothstep, unit_grid

Range = tuple[float, float]


@dataclass(frozen=True)
class Kind:
    """Ranges a kind of lesion is drawn from, each uniform; lengths in picture widths."""

    share: float  # of the images
    radius: Range
    border: Range  # width of the border over the radius: small is sharp
    irregularity: Range  # of the outline, 0 is an ellipse
    mottling: Range  # unevenness of the colour inside
    melanin: Range  # added melanosome fraction at the centre
    blood: Range  # added blood fraction at the centre
    melanin_kept: Range = (1.0, 1.0)  # share of the skin's own melanin that stays
    relief: Range = (0.0, 0.0)  # height over the radius
    scale: Range = (0.0, 0.0)  # cover of white scale
    count: tuple[int, int] = (1, 1)  # lesions of this kind in one picture


KINDS = {
    "none": Kind(0.12, (0.1, 0.1), (1, 1), (0, 0), (0, 0), (0, 0), (0, 0), count=(0, 0)),
    "naevus": Kind(
        0.20, (0.06, 0.17), (0.25, 0.8), (0.08, 0.25), (0.1, 0.4), (0.08, 0.40), (0.0, 0.01),
        relief=(0.0, 0.3),
    ),
    "atypical": Kind(
        0.16, (0.12, 0.27), (0.25, 0.9), (0.25, 0.6), (0.5, 1.0), (0.08, 0.45), (0.0, 0.03),
        relief=(0.0, 0.15),
    ),
    "plaque": Kind(
        0.16, (0.15, 0.33), (0.25, 0.8), (0.15, 0.45), (0.3, 0.8), (0.0, 0.02), (0.015, 0.07),
        relief=(0.0, 0.15), scale=(0.0, 0.65),
    ),
    "papules": Kind(
        0.12, (0.02, 0.055), (0.6, 1.4), (0.1, 0.3), (0.1, 0.4), (0.0, 0.05), (0.01, 0.07),
        relief=(0.2, 0.6), count=(4, 18),
    ),
    "keratosis": Kind(
        0.10, (0.08, 0.22), (0.06, 0.2), (0.1, 0.3), (0.6, 1.0), (0.06, 0.30), (0.0, 0.01),
        relief=(0.2, 0.5), scale=(0.0, 0.5),
    ),
    "ulcer": Kind(
        0.08, (0.06, 0.16), (0.2, 0.6), (0.2, 0.5), (0.7, 1.2), (0.0, 0.25), (0.06, 0.30),
        relief=(0.1, 0.4), scale=(0.0, 0.3),
    ),
    "pale": Kind(
        0.06, (0.12, 0.3), (0.1, 0.5), (0.3, 0.6), (0.2, 0.5), (0.0, 0.0), (0.0, 0.0),
        melanin_kept=(0.15, 0.6),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Maps:
    """What the lesions of one picture change, each (H, W)."""

    melanin: Field  # added fraction
    melanin_kept: Field  # factor on the skin's own melanin
    blood: Field  # added fraction
    relief: Field  # height in picture widths
    scale: Field  # cover of white scale, 0 to 1
    cover: Field  # by the lesions themselves, 0 to 1


def _distance(rng: np.random.Generator, size: int, radius: float, spread: float) -> Field:
    """Return the distance from the centre of one ellipse, 1 at its outline."""
    x, y = unit_grid(size, size)
    stretch = math.exp(rng.normal(0, 0.18))
    angle = rng.uniform(0, math.pi)
    dx, dy = x - rng.normal(0.5, spread), y - rng.normal(0.5, spread)
    along = (dx * math.cos(angle) + dy * math.sin(angle)) / (radius * stretch)
    across = (dy * math.cos(angle) - dx * math.sin(angle)) * (stretch / radius)
    return np.sqrt(along**2 + across**2)


def draw(rng: np.random.Generator, size: int) -> Maps:
    """Return the lesions of one square picture: a kind by its share, then its parameters."""
    shares = np.array([kind.share for kind in KINDS.values()])
    kind = list(KINDS.values())[rng.choice(len(KINDS), p=shares / shares.sum())]
    border, mottling = rng.uniform(*kind.border), rng.uniform(*kind.mottling)
    spread = 0.06 if kind.count == (1, 1) else 0.22
    outline = fractal_noise(rng, size, size, (4, 8, 16, 32), 0.55)
    outline *= 0.6 * rng.uniform(*kind.irregularity)
    mottle = fractal_noise(rng, size, size, (6, 12, 24))
    flakes = fractal_noise(rng, size, size, (16, 32))
    inside, dome = np.zeros((size, size), np.float32), np.zeros((size, size), np.float32)
    for _ in range(rng.integers(kind.count[0], kind.count[1] + 1)):
        radius = rng.uniform(*kind.radius)
        distance = _distance(rng, size, radius, spread) + outline
        inside += 1 - smoothstep(distance, 1 - border / 2, 1 + border / 2)
        dome += radius * np.maximum(1 - distance**2, 0)
    strength = inside * np.exp(mottling * (0.7 * mottle - 0.25))
    sparse = 2.6 - 3 * rng.uniform(*kind.scale)  # flakes rise above so many standard deviations
    return Maps(
        melanin=rng.uniform(*kind.melanin) * strength,
        melanin_kept=1 - (1 - rng.uniform(*kind.melanin_kept)) * np.minimum(inside, 1),
        blood=rng.uniform(*kind.blood) * strength,
        relief=rng.uniform(*kind.relief) * dome * (1 + 0.15 * mottle),
        scale=np.minimum(inside, 1) * smoothstep(flakes, sparse, sparse + 1.2),
        cover=np.minimum(inside, 1),
    )
