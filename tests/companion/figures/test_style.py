import io
import itertools

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from companion.figures import style

# Machado, Oliveira and Fernandes (2009), full severity, acting on linear RGB.
DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
SEEN_TOGETHER = [("A", "B", "C"), ("light", "dark"), ("slug", "mse", "encoder_std")]


def linear(colour):
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    ) @ np.clip(rgb, 0, 1)
    x, y, z = np.cbrt(xyz / [0.95047, 1.0, 1.08883])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.fixture(autouse=True)
def _own_style():
    with mpl.rc_context():
        style.apply_style()
        yield


@pytest.mark.parametrize("name", style.COLOURS)
@pytest.mark.parametrize("ground", ["#ffffff", "#14181e"])
def test_every_colour_stands_out_on_both_backgrounds(name, ground):
    weights = [0.2126, 0.7152, 0.0722]
    bright, dim = sorted(
        (weights @ linear(colour) + 0.05 for colour in (style.COLOURS[name], ground)), reverse=True
    )
    assert bright / dim >= 3


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize("names", SEEN_TOGETHER)
def test_colours_seen_together_differ_for_colour_blind_readers(names, deficiency):
    seen = [lab(DEFICIENCIES[deficiency] @ linear(style.COLOURS[name])) for name in names]
    for first, second in itertools.combinations(seen, 2):
        assert np.linalg.norm(first - second) >= 15


def test_every_colour_has_a_label():
    assert style.COLOURS.keys() == style.LABELS.keys()


def draw():
    figure = Figure()
    axes = figure.subplots()
    axes.plot([0, 1, 2], [2, 0, 1], marker="o")
    axes.imshow(np.arange(6.0).reshape(2, 3))
    axes.set(xlabel="S / samples", title="Title")
    return figure


def test_equal_figures_give_equal_bytes(tmp_path):
    for name in ("first.svg", "second.svg"):
        style.save_figure(draw(), tmp_path / name)
    first = (tmp_path / "first.svg").read_bytes()
    assert first == (tmp_path / "second.svg").read_bytes()
    assert b"<dc:date>" not in first


def test_the_ground_is_transparent(tmp_path):
    stream = io.BytesIO()
    draw().savefig(stream, format="png")
    stream.seek(0)
    assert mpl.image.imread(stream)[0, 0, 3] == 0
