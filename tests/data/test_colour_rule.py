import numpy as np
import pytest

from slugkit.data import sources
from slugkit.data.colour_rule import coloured_patch
from slugkit.data.synthesis.synthetic import generate
from slugkit.errors import InputError


@pytest.mark.parametrize("colour", [(0.1, 0.5, 0.8), (0.9, 0.8, 0.1), (0.2, 0.6, 0.3)])
@pytest.mark.parametrize("skin_type", [1, 3, 6])
def test_a_sticker_is_found_to_the_pixel(colour, skin_type):
    image = generate([skin_type], 64, seed=0)[0]
    y, x = np.mgrid[:64, :64]
    disc = (y - 40) ** 2 + (x - 55) ** 2 < 12**2
    image[disc] = colour
    found = coloured_patch(image)
    assert (found & disc).sum() / (found | disc).sum() > 0.9


def test_skin_is_not_a_sticker():
    images = generate(np.tile(np.arange(1, 7), 5), 64, seed=1)
    assert np.mean([coloured_patch(image).any() for image in images]) < 0.1


def test_most_real_stickers_are_found_and_few_where_there_are_none(data_root):
    table = sources.index("isic2017", data_root)
    share = {
        kind: np.mean(
            [
                coloured_patch(image).any()
                for image in sources.load(table[table["object"] == kind], data_root, 64)
            ]
        )
        for kind in ("patch", "none", "ruler")
    }
    assert share["patch"] > 0.85
    assert share["none"] < 0.15
    assert share["ruler"] < 0.05


def test_the_shape_is_checked():
    with pytest.raises(InputError, match=r"not \(4, 4\)"):
        coloured_patch(np.zeros((4, 4)))
