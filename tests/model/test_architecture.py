"""The shape of the network, before there is one."""

import pytest

from slugkit.errors import InputError
from slugkit.model.architecture import Architecture

GOOD = {"image_size": 16, "widths": (4, 4), "latent": "spatial", "latent_size": 3}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_size": 18, "widths": (4, 4, 4)}, "18 cannot be halved 2 times"),
        ({"widths": ()}, "cannot be halved"),
        ({"likelihood_variance": 0.0}, "likelihood_variance must be above 0"),
        ({"dropout": 1.0}, "a fraction from 0 to below 1"),
    ],
)
def test_impossible_shapes_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        Architecture(**({"likelihood_variance": 0.01} | GOOD | change))


def test_possible_ones_are_not():
    assert Architecture(**GOOD, likelihood_variance=0.01).blocks == 1
