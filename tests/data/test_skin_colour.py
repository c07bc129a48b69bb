"""Skin optics: limits, monotony, and agreement of the table with the spectra."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugkit.data.synthesis.skin_colour import (
    BLOOD_RANGE,
    ITA_BOUNDS,
    MELANIN_RANGE,
    fitzpatrick_type,
    lab,
    linear_from_srgb,
    linear_rgb,
    melanin_for_angle,
    reflectance,
    skin_image,
    srgb_from_linear,
    typology_angle,
)

melanins = st.floats(*MELANIN_RANGE)
bloods = st.floats(*BLOOD_RANGE)


@given(melanin=melanins, blood=bloods)
def test_reflectance_is_a_fraction_that_falls_with_both_pigments(melanin, blood):
    spectrum = reflectance(melanin, blood)
    assert spectrum.shape == (31,)
    assert np.all((spectrum > 0) & (spectrum < 1))
    assert np.all(reflectance(melanin + 0.01, blood) < spectrum)
    assert np.all(reflectance(melanin, blood + 0.01) < spectrum)


def test_blood_shows_its_green_absorption_bands():
    wavelength = np.arange(400, 701, 10)
    spectrum = dict(zip(wavelength, reflectance(0.01, 0.02), strict=True))
    assert spectrum[540] < spectrum[500]
    assert spectrum[580] < spectrum[560] < spectrum[650]


@given(melanin=melanins, blood=bloods)
def test_the_table_agrees_with_the_spectra(melanin, blood):
    tabulated = skin_image(np.array([[melanin]]), np.array([[blood]]))[0, 0]
    np.testing.assert_allclose(tabulated, linear_rgb(melanin, blood), atol=2e-3)


def test_fractions_outside_the_table_are_clipped():
    inside = skin_image(np.array([[MELANIN_RANGE[1]]]), np.array([[BLOOD_RANGE[0]]]))
    np.testing.assert_array_equal(skin_image(np.array([[5.0]]), np.array([[-1.0]])), inside)


@given(angle=st.floats(-60, 50), blood=st.floats(0.002, 0.006))
def test_melanin_for_angle_inverts_the_colour(angle, blood):
    colour = srgb_from_linear(linear_rgb(melanin_for_angle(angle, blood), blood))
    assert float(typology_angle(colour)) == pytest.approx(angle, abs=0.5)


@given(value=st.floats(0, 1))
def test_srgb_is_inverted(value):
    assert float(linear_from_srgb(srgb_from_linear(value))) == pytest.approx(value, abs=1e-7)


@pytest.mark.parametrize(
    ("colour", "expected"),
    [((1, 1, 1), (100, 0, 0)), ((0, 0, 0), (0, 0, 0)), ((1, 0, 0), (53.24, 80.09, 67.20))],
)
def test_lab_of_known_colours(colour, expected):
    np.testing.assert_allclose(lab(colour), expected, atol=0.05)


def test_typology_bins_meet_at_the_published_angles():
    below = fitzpatrick_type(np.array(ITA_BOUNDS))
    above = fitzpatrick_type(np.array(ITA_BOUNDS) + 1e-9)
    assert below.tolist() == [2, 3, 4, 5, 6]
    assert above.tolist() == [1, 2, 3, 4, 5]
