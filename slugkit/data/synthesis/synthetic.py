"""Synthetic clinical photographs of skin, from melanin and blood to the noise of the camera.

A picture is a map of melanin and of blood (skin, then lesions), turned into colour by
`skin_colour`, lit on a relief, overgrown by hair on some, and photographed. Everything but three
things is drawn alike for all Fitzpatrick types: the melanin of the skin (by its typology angle),
how unevenly it is spread (very light skin has little to vary), and the lightness of hair (types
4 to 6: dark). Two calls that differ only in the type of image i give the same lesion, relief,
light and camera on two skins.

What else differs between the types follows from optics. Dark skin sends back less light, so the
same lesion, relief and light change its sRGB values less: the variance within a picture falls
about sevenfold from type 1 to type 6. The camera does not brighten dark skin as automatic exposure
would. Expect a smaller squared error on dark skin here than on real photographs of it.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter

from slugkit.data.synthesis import lesions
from slugkit.data.synthesis.drawing import (
    Field,
    fractal_noise,
    random_hairs,
    smooth_noise,
    smoothstep,
    strokes,
    unit_grid,
)
from slugkit.data.synthesis.skin_colour import melanin_for_angle, skin_image, srgb_from_linear
from slugkit.errors import InputError

# Typology angles (degrees) the healthy skin is drawn from, inside the published bins.
ANGLES = {
    1: (55.5, 62.0),
    2: (42.0, 54.5),
    3: (29.0, 40.5),
    4: (11.0, 27.5),
    5: (-28.0, 9.0),
    6: (-58.0, -31.0),
}
# Lightest hair by type, as a fraction of light that it reflects.
_HAIR = {1: 0.35, 2: 0.25, 3: 0.15, 4: 0.04, 5: 0.04, 6: 0.04}

MINIMUM_SIZE = 16


def base_skin(fitzpatrick: int, rng: np.random.Generator) -> tuple[float, float]:
    """Return the melanin and blood volume fractions of one person's healthy skin.

    Blood is log-normal about 0.4 % (Jacques 1998 gives 0.2 % for an even dermis; skin seen in a
    clinic is often flushed); melanin follows from a typology angle uniform in `ANGLES`.
    """
    blood = float(np.clip(0.004 * np.exp(0.25 * rng.standard_normal()), 0.0025, 0.006))
    return melanin_for_angle(rng.uniform(*ANGLES[fitzpatrick]), blood), blood


def _furrows(rng: np.random.Generator, size: int) -> Field:
    """Return the lines of the skin, two crossing families of warped waves, about -1 to 1."""
    x, y = unit_grid(size, size)
    direction = rng.uniform(0, math.pi)
    lines = np.zeros((size, size), np.float32)
    for turn in (0.0, rng.uniform(0.9, 1.6)):
        angle = direction + turn
        wave = 2 * math.pi * rng.uniform(14, 26)
        warp = smooth_noise(rng, size, size, 7) + 0.5 * smooth_noise(rng, size, size, 20)
        phase = wave * (x * math.cos(angle) + y * math.sin(angle)) + 1.6 * warp
        lines += rng.uniform(0.3, 1.0) * np.cos(phase)
    return lines


def _light(rng: np.random.Generator, relief: Field) -> tuple[Field, Field]:
    """Return the irradiance on the relief, 1 under full light, and the gloss, each (H, W)."""
    size = relief.shape[0]
    x, y = unit_grid(size, size)
    angle, tilt = rng.uniform(0, 2 * math.pi), rng.uniform(0.3, 0.9)
    down, right = np.gradient(relief, 1 / size)
    facing = -(right * math.cos(angle) + down * math.sin(angle))
    falloff = (x - rng.normal(0.5, 0.2)) ** 2 + (y - rng.normal(0.5, 0.2)) ** 2
    lean = (x - 0.5) * math.cos(angle) + (y - 0.5) * math.sin(angle)
    wide = 1 - rng.uniform(0.0, 0.7) * falloff - rng.uniform(0.0, 0.35) * lean
    spots = smoothstep(facing + 0.25 * smooth_noise(rng, size, size, 48), 0.35, 1.2)
    gloss = 0.35 * rng.uniform(0, 1) ** 3 * spots * np.exp(-4 * falloff)
    return wide * np.clip(1 + tilt * facing, 0.3, 1.8), gloss


def _camera(rng: np.random.Generator, scene: Field, size: int) -> Field:
    """Return the sRGB photograph (size, size, 3) of a linear scene (k size, k size, 3)."""
    exposure = math.exp(rng.normal(0.05, 0.12))
    cast = np.exp(rng.normal(0, 0.045, 3) * (1, 0.3, 1))
    blur = rng.uniform(0.002, 0.007) * scene.shape[0]
    shot, read = rng.uniform(0.002, 0.010), rng.uniform(0.0005, 0.002)
    scene = gaussian_filter(scene * (exposure * cast).astype(np.float32), (blur, blur, 0))
    factor = scene.shape[0] // size
    parts = [scene[i::factor, j::factor] for i in range(factor) for j in range(factor)]
    photo = np.sum(parts, axis=0) / np.float32(factor**2)
    # Photon noise grows with the square root of the light; reading the sensor adds a constant.
    standard_deviation = np.sqrt(shot**2 * np.maximum(photo, 0) + read**2).astype(np.float32)
    photo = photo + standard_deviation * rng.standard_normal(photo.shape, dtype=np.float32)
    return srgb_from_linear(np.clip(photo, 0, 1)).astype(np.float32)


def _photograph(fitzpatrick: int, size: int, rng: np.random.Generator) -> Field:
    """Return one photograph (size, size, 3): person, skin, lesions, light, hair, camera."""
    # One stream per part, so that no part shifts the random numbers of another.
    person, rng, lesion_rng, light_rng, hair_rng, camera_rng = rng.spawn(6)
    fine = _fine(size)
    melanin, blood = base_skin(fitzpatrick, person)
    lesion = lesions.draw(lesion_rng, fine)

    # Uneven pigment varies with the melanin there is, up to a limit: beyond it, the same change of
    # optical density on every skin. Freckles add melanin alike.
    uneven = 0.16 * min(melanin, 0.06) * fractal_noise(rng, fine, fine, (3, 6, 12, 24))
    freckles = smoothstep(fractal_noise(rng, fine, fine, (24, 48)), 1.1, 2.2)
    freckles *= 0.04 * rng.uniform(0, 1) ** 2
    flush = rng.uniform(0.2, 0.6) * fractal_noise(rng, fine, fine, (3, 6, 12, 32))
    furrows, grain = _furrows(rng, fine), fractal_noise(rng, fine, fine, (32, 64), 0.9)
    roughness = rng.uniform(0.3, 1.0)
    relief = roughness * (0.0014 * furrows + 0.0012 * grain) + lesion.relief

    pigment = (melanin + uneven + freckles) * lesion.melanin_kept + lesion.melanin
    scene: Field = skin_image(pigment, blood * np.exp(flush) + lesion.blood)
    flake = np.array([0.62, 0.58, 0.50], np.float32)
    scene += lesion.scale[..., None] * 0.8 * (flake - scene)
    irradiance, gloss = _light(light_rng, relief)
    scene = scene * irradiance[..., None] + gloss[..., None]

    if hair_rng.uniform() < 0.3:
        colour = hair_rng.uniform(0.01, 1.0) * _HAIR[fitzpatrick] * np.array([1.0, 0.72, 0.5])
        hairs = random_hairs(hair_rng, int(hair_rng.integers(8, 60)), (0.1, 0.35))
        cover = 0.75 * strokes(fine, fine, hairs, [0.004] * len(hairs))[..., None]
        scene += cover * (colour.astype(np.float32) - scene)
    return _camera(camera_rng, scene, size)


def _fine(size: int) -> int:
    """Return the side of the scene that a photograph of the given side is taken of."""
    return size * max(2, 128 // size)


def lesion_masks(count: int, size: int, seed: int) -> NDArray[np.bool_]:
    """Return where the lesions of the first images of a collection are, whatever their skin type.

    Parameters
    ----------
    count : int
        The number of images n.
    size, seed : int
        As in `generate`.

    Returns
    -------
    ndarray (n, size, size) bool
        Pixels that lesions cover by at least a half; some images have none.
    """
    masks = np.empty((count, size, size), bool)
    factor = _fine(size) // size
    for i in range(count):
        lesion_rng = np.random.default_rng([int(seed), i]).spawn(6)[2]
        cover = lesions.draw(lesion_rng, _fine(size)).cover
        masks[i] = cover.reshape(size, factor, size, factor).mean(axis=(1, 3)) >= 0.5
    return masks


def generate(
    fitzpatrick: ArrayLike, size: int, seed: int, numbers: ArrayLike | None = None
) -> NDArray[np.float32]:
    """Return synthetic clinical photographs of skin, one per requested Fitzpatrick type.

    Image i depends on (seed, numbers[i], fitzpatrick[i], size) alone, whatever the other rows are;
    at another size it is the same picture at another resolution, up to camera noise.

    Parameters
    ----------
    fitzpatrick : array_like of int (n,)
        Fitzpatrick skin types, 1 to 6.
    size : int
        Side of the square images in pixels, at least 16.
    seed : int
        Seed of the collection, at least 0.
    numbers : array_like of int (n,)
        Which images of the collection; None for the first n.

    Returns
    -------
    ndarray (n, size, size, 3) float32
        sRGB in [0, 1].

    Raises
    ------
    InputError
        If a type is outside 1 to 6, the size is under 16 or the seed is negative.

    Examples
    --------
    >>> generate([1, 6], size=16, seed=0).shape
    (2, 16, 16, 3)
    """
    types = np.asarray(fitzpatrick)
    if types.ndim != 1 or not all(t in ANGLES for t in types.tolist()):
        raise InputError(
            f"fitzpatrick is {fitzpatrick!r}: give a one-dimensional array of whole numbers 1 to 6"
        )
    if not float(size).is_integer() or size < MINIMUM_SIZE:
        raise InputError(f"size is {size!r}: give a whole number of pixels, {MINIMUM_SIZE} or more")
    if not float(seed).is_integer() or seed < 0:
        raise InputError(f"seed is {seed!r}: give a whole number, 0 or more")
    chosen = np.arange(len(types)) if numbers is None else np.asarray(numbers)
    if chosen.shape != types.shape or (chosen < 0).any():
        raise InputError(f"numbers is {numbers!r}: give one number, 0 or more, for each image")
    images = np.empty((len(types), size, size, 3), np.float32)
    for image, kind, number in zip(images, types, chosen, strict=True):
        image[:] = _photograph(
            int(kind), int(size), np.random.default_rng([int(seed), int(number)])
        )
    return images
