import base64
import io
import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from companion.experiments.scores.explorer import SAMPLES, Explored, page, picture_address


@pytest.fixture
def explored():
    """Two images, of which the second may not be shown, at two ranks."""
    random = np.random.default_rng(0)
    images = pd.DataFrame(
        {
            "mse": [0.002, 0.01],
            "slug": [100.0, 300.0],
            "set": ["light", "object"],
            "object": ["none", "ruler"],
            "may_show": [True, False],
            "source": ["synthetic", "passion</script>"],
        }
    )
    return Explored(
        all_images=pd.concat([images, images.assign(mse=[0.001, 0.05])]),
        images=images,
        ranks=(0, 4),
        scores=random.uniform(100, 1000, (2, 2, len(SAMPLES))),
        errors=random.uniform(1, 10, (2, 2, len(SAMPLES))),
        maps=random.uniform(0, 1, (2, 2, len(SAMPLES), 8, 8)),
        pictures={
            "image": random.uniform(0, 1, (2, 8, 8, 3)),
            "reconstruction": random.uniform(0, 1, (2, 8, 8, 3)),
            "squared_error": random.uniform(0, 1, (2, 8, 8)),
        },
    )


def data_of(html):
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', html)[1])


def decoded(address):
    return Image.open(io.BytesIO(base64.b64decode(address.removeprefix("data:image/png;base64,"))))


def test_there_is_a_map_for_every_setting(explored):
    shown, _ = data_of(page(explored).data)["images"]
    assert len(shown["maps"]) == 2
    assert all(len(line) == len(SAMPLES) for line in shown["maps"])
    assert len({address for line in shown["maps"] for address in line}) == 2 * len(SAMPLES)
    assert decoded(shown["maps"][0][0]).size == (8, 8)


def test_an_image_that_may_not_be_shown_leaves_its_reason_alone(explored):
    html = page(explored).data
    _, hidden = data_of(html)["images"]
    assert hidden["withheld"] == "passion</script>: may not be shown"
    assert "pictures" not in hidden
    assert "maps" not in hidden
    open_ones = replace(explored, images=explored.images.assign(may_show=True))
    assert 2 * html.count("data:image") == page(open_ones).data.count("data:image")


def test_the_plot_has_all_images_and_a_button_for_each_chosen_one(explored):
    html = page(explored).data
    assert html.count('class="choice"') == 2
    assert html.count("<circle") == 4 + 2
    places = [float(y) for y in re.findall(r'cy="([-\d.]+)"', html)]
    assert min(places) > 0
    assert max(places) < 340


def test_a_higher_score_stands_higher(explored):
    heights = np.array(data_of(page(explored).data)["heights"])
    order = np.argsort(explored.scores.ravel())
    assert np.all(np.diff(heights.ravel()[order]) <= 0)


def test_a_picture_keeps_its_pixels():
    picture = np.zeros((2, 3, 3))
    picture[0, 1] = 1
    found = np.asarray(decoded(picture_address(picture)))
    assert found.tolist() == (255 * picture).astype(int).tolist()


def test_a_map_goes_from_dark_to_bright():
    found = decoded(picture_address(np.array([[0.0, 1.0], [0.5, 0.25]]))).convert("L")
    assert found.getpixel((0, 0)) < found.getpixel((1, 1)) < found.getpixel((0, 1))
    assert found.getpixel((1, 0)) > 200


def test_each_picture_says_what_it_will_show(explored):
    texts = re.findall(r'data-picture="\w+" alt="([^"]*)"', page(explored).data)
    assert texts == [
        "image of image 1: light skin",
        "reconstruction of image 1: light skin",
        "squared error of image 1: light skin",
        "uncertainty of image 1: light skin",
    ]
