"""Skin colour from melanin and blood: spectra of Jacques (2013), then CIE XYZ, then sRGB.

Light crosses a thin epidermis that holds melanin, is scattered back by a dermis that holds blood,
and crosses the epidermis again. With m the melanosome and b the blood volume fraction,

    R(wavelength) = surface + (1 - surface) exp(-3 d mu_epidermis(m)) R_dermis(b),

where 3 d is one collimated pass inwards (d) and one diffuse pass outwards (2 d).

References
----------
Jacques, "Optical properties of biological tissues: a review", Phys. Med. Biol. 58, R37 (2013):
scattering of skin, absorption of melanosomes, blood at 150 g/L. Jacques, "Skin optics" (Oregon
Medical Laser Center News, 1998): bloodless skin. Prahl, "Tabulated molar
extinction coefficient for hemoglobin in water" (Oregon Medical Laser Center, 1998). Flock et al.,
IEEE Trans. Biomed. Eng. 36, 1162 (1989): diffuse reflectance. Wyman, Sloan and Shirley, J. Comput.
Graph. Tech. 2(2), 1 (2013): colour matching functions. CIE 15: illuminant D65. IEC 61966-2-1: sRGB.
Chardon, Cretois and Hourseau, Int. J. Cosmet. Sci. 13, 191 (1991): individual typology angle.
"""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

MELANIN_RANGE = (0.002, 0.9)  # melanosome volume fraction of the epidermis
BLOOD_RANGE = (0.001, 0.6)  # blood volume fraction of the dermis

# Lower bounds of the individual typology angle (degrees) of Fitzpatrick types 1 to 5.
ITA_BOUNDS = (55.0, 41.0, 28.0, 10.0, -30.0)

_WAVELENGTH = np.arange(400.0, 701.0, 10.0)  # nm

# Molar extinction of oxy- and deoxyhaemoglobin at those wavelengths, 1/(cm mol/L), from Prahl.
_OXYHAEMOGLOBIN = np.array([
    266232, 466840, 480360, 246072, 102580, 62816, 44480, 33209, 26629, 23684, 20933,
    20035, 24202, 39957, 53236, 43016, 32613, 44496, 50104, 14401, 3200, 1506,
    942, 610, 442, 368, 320, 294, 278, 276, 290,
])  # fmt: skip
_DEOXYHAEMOGLOBIN = np.array([
    223296, 303956, 407560, 528600, 413280, 103292, 23389, 16156, 14550, 16684, 20862,
    25774, 31590, 39036, 46592, 53412, 53788, 45072, 37020, 28324, 14677, 9444,
    6510, 5149, 4345, 3750, 3227, 2795, 2408, 2052, 1794,
])  # fmt: skip
_D65 = np.array([
    82.75, 91.49, 93.43, 86.68, 104.87, 117.01, 117.81, 114.86, 115.92, 108.81, 109.35,
    107.80, 104.79, 107.69, 104.41, 104.05, 100.0, 96.33, 95.79, 88.69, 90.01, 89.60,
    87.70, 83.29, 83.70, 80.03, 80.21, 82.28, 78.28, 69.72, 71.61,
])  # fmt: skip
_XYZ_TO_RGB = np.array(
    [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
)
_WHITE = np.array([0.9505, 1.0, 1.0890])  # XYZ of D65

_EPIDERMIS = 0.006  # thickness, cm
_OXYGENATION = 0.7  # mixed arterial and venous blood
_SURFACE = 0.035  # reflection at the surface of matt skin, seen without a polariser


def _colour_matching() -> NDArray[np.float64]:
    """Return the CIE 1931 colour matching functions (wavelength, 3), fit of Wyman et al. eq. 4."""

    def lobe(height: float, centre: float, left: float, right: float) -> NDArray[np.float64]:
        offset = _WAVELENGTH - centre
        return height * np.exp(-0.5 * (offset * np.where(offset < 0, left, right)) ** 2)

    x = lobe(0.362, 442.0, 0.0624, 0.0374) + lobe(1.056, 599.8, 0.0264, 0.0323)
    x = x - lobe(0.065, 501.1, 0.0490, 0.0382)
    y = lobe(0.821, 568.8, 0.0213, 0.0247) + lobe(0.286, 530.9, 0.0613, 0.0322)
    z = lobe(1.217, 437.0, 0.0845, 0.0278) + lobe(0.681, 459.0, 0.0385, 0.0725)
    return np.stack([x, y, z], axis=-1)


def reflectance(melanin: ArrayLike, blood: ArrayLike) -> NDArray[np.float64]:
    """Return the diffuse reflectance of skin from 400 to 700 nm in steps of 10 nm.

    The dermis follows Flock et al. with a' = mu_s' / (mu_a + mu_s') and k = 3.2 (n = 1.4):
    R = a' / (1 + 2 k (1 - a') + (1 + 2 k / 3) sqrt(3 (1 - a'))).

    Parameters
    ----------
    melanin, blood : array_like
        Volume fractions of melanosomes in the epidermis and of blood in the dermis, broadcastable.

    Returns
    -------
    ndarray (..., 31)
        Fraction of the light that comes back.
    """
    m = np.asarray(melanin, dtype=float)[..., None]
    b = np.asarray(blood, dtype=float)[..., None]
    bloodless = 0.244 + 85.3 * np.exp(-(_WAVELENGTH - 154) / 66.2)
    haemoglobin = _OXYGENATION * _OXYHAEMOGLOBIN + (1 - _OXYGENATION) * _DEOXYHAEMOGLOBIN
    whole_blood = np.log(10) * haemoglobin * 150 / 64500
    epidermis = m * 6.6e11 * _WAVELENGTH**-3.33 + (1 - m) * bloodless
    dermis = b * whole_blood + (1 - b) * bloodless
    scattering = 46.0 * (_WAVELENGTH / 500) ** -1.421
    albedo = scattering / (dermis + scattering)
    k = 3.2
    loss = 1 - albedo
    diffuse = albedo / (1 + 2 * k * loss + (1 + 2 * k / 3) * np.sqrt(3 * loss))
    return _SURFACE + (1 - _SURFACE) * np.exp(-3 * _EPIDERMIS * epidermis) * diffuse


def linear_rgb(melanin: ArrayLike, blood: ArrayLike) -> NDArray[np.float64]:
    """Return the linear sRGB colour (..., 3) of skin under D65, white being 1.

    Parameters
    ----------
    melanin, blood : array_like
        Volume fractions of melanosomes in the epidermis and of blood in the dermis, broadcastable.
    """
    sensitivity = _D65[:, None] * _colour_matching()
    # Each tristimulus is normalised by its own white: a perfect reflector is exactly D65 white.
    xyz = reflectance(melanin, blood) @ (sensitivity / sensitivity.sum(axis=0)) * _WHITE
    return np.clip(xyz @ _XYZ_TO_RGB.T, 0.0, 1.0)


def srgb_from_linear(linear: ArrayLike) -> NDArray[np.floating]:
    """Return gamma-encoded sRGB values of linear ones in [0, 1] (IEC 61966-2-1)."""
    v = np.asarray(linear)
    return np.where(
        v <= 0.0031308, 12.92 * v, 1.055 * np.maximum(v, 0.0031308) ** (1 / 2.4) - 0.055
    )


def linear_from_srgb(srgb: ArrayLike) -> NDArray[np.floating]:
    """Return linear values of gamma-encoded sRGB ones in [0, 1] (IEC 61966-2-1)."""
    v = np.asarray(srgb)
    return np.where(v <= 0.04045, v / 12.92, ((np.maximum(v, 0.04045) + 0.055) / 1.055) ** 2.4)


def lab(srgb: ArrayLike) -> NDArray[np.float64]:
    """Return CIE L*, a*, b* (..., 3) of sRGB colours (..., 3) in [0, 1], white point D65."""
    xyz = linear_from_srgb(np.asarray(srgb, dtype=float)) @ np.linalg.inv(_XYZ_TO_RGB).T / _WHITE
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def typology_angle(srgb: ArrayLike) -> NDArray[np.float64]:
    """Return the individual typology angle atan2(L* - 50, b*) in degrees of colours (..., 3).

    >>> float(typology_angle([0.90, 0.77, 0.70]).round())
    67.0
    """
    lightness, _, yellowness = np.moveaxis(lab(srgb), -1, 0)
    return np.degrees(np.arctan2(lightness - 50, yellowness))


def fitzpatrick_type(angle: ArrayLike) -> NDArray[np.int64]:
    """Return the Fitzpatrick type 1 to 6 of individual typology angles in degrees.

    >>> fitzpatrick_type([60, 50, 35, 20, -10, -45]).tolist()
    [1, 2, 3, 4, 5, 6]
    """
    return 1 + (np.asarray(angle)[..., None] <= np.array(ITA_BOUNDS)).sum(axis=-1)


_MELANIN_STEPS, _BLOOD_STEPS = 128, 96


@cache
def _table() -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return linear colours (melanin, blood, 3) on a logarithmic grid, and their angles."""
    melanin = np.geomspace(*MELANIN_RANGE, _MELANIN_STEPS)
    blood = np.geomspace(*BLOOD_RANGE, _BLOOD_STEPS)
    colours = linear_rgb(melanin[:, None], blood[None, :])
    return colours.astype(np.float32), typology_angle(srgb_from_linear(colours))


def _position(value: ArrayLike, bounds: tuple[float, float], steps: int) -> NDArray[np.float32]:
    low, high = bounds
    clipped = np.clip(np.asarray(value, dtype=np.float32), low, high)
    return np.log(clipped / np.float32(low)) * np.float32((steps - 1) / np.log(high / low))


def skin_image(melanin: NDArray[np.floating], blood: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return linear sRGB (H, W, 3) of maps of volume fractions (H, W), clipped to their ranges.

    Bilinear in the logarithms of both fractions, from a table of `linear_rgb`.
    """
    colours, _ = _table()
    flat = colours.reshape(-1, 3)
    row = _position(melanin, MELANIN_RANGE, _MELANIN_STEPS)
    column = _position(blood, BLOOD_RANGE, _BLOOD_STEPS)
    i = np.minimum(row.astype(np.int64), _MELANIN_STEPS - 2)
    j = np.minimum(column.astype(np.int64), _BLOOD_STEPS - 2)
    u, v = (row - i).astype(np.float32)[..., None], (column - j).astype(np.float32)[..., None]
    corner = i * _BLOOD_STEPS + j
    low, high = flat.take(corner, axis=0), flat.take(corner + _BLOOD_STEPS, axis=0)
    low += v * (flat.take(corner + 1, axis=0) - low)
    high += v * (flat.take(corner + _BLOOD_STEPS + 1, axis=0) - high)
    return low + u * (high - low)


def melanin_for_angle(angle: float, blood: float) -> float:
    """Return the melanosome fraction whose colour has this typology angle (degrees) at this blood.

    The angle falls with melanin, so the inverse is unique; it is clipped to `MELANIN_RANGE`.
    """
    _, angles = _table()
    column = float(_position(blood, BLOOD_RANGE, _BLOOD_STEPS))
    j = min(int(column), _BLOOD_STEPS - 2)
    curve = angles[:, j] + (column - j) * (angles[:, j + 1] - angles[:, j])
    melanin = np.geomspace(*MELANIN_RANGE, _MELANIN_STEPS)
    return float(np.exp(np.interp(-angle, -curve, np.log(melanin))))
