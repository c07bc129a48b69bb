import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from companion.experiments.data.figures import contact_sheet
from companion.experiments.scores.figures import object_rows
from companion.experiments.training.figures import losses
from companion.pipeline.store import Images

IMAGES = np.random.default_rng(0).uniform(size=(4, 8, 8, 3)).astype(np.float32)


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def table(may_show):
    return pd.DataFrame(
        {
            "set": ["light", "dark", "object", "object"],
            "object": ["none", "none", "ink", "ruler"],
            "source": "ddi",
            "may_show": may_show,
            "image_id": list("abcd"),
        }
    )


def stored():
    return Images.of(table(True), IMAGES)


def pictures(figure):
    return sum(len(axis.images) for axis in figure.axes)


def reasons(figure):
    return sum("may not" in text.get_text() for axis in figure.axes for text in axis.texts)


@pytest.mark.parametrize(("may_show", "shown"), [(True, 4), (False, 0)])
def test_a_contact_sheet_shows_only_what_may_be_shown(may_show, shown):
    figure = contact_sheet(table(may_show), stored(), columns=2)
    assert pictures(figure) == shown
    assert reasons(figure) == 4 - shown


@pytest.mark.parametrize(("may_show", "shown"), [(True, 24), (False, 0)])
def test_maps_and_reconstructions_are_withheld_with_the_image(may_show, shown):
    figure, axes = plt.subplots(6, 4)
    maps = {"image": IMAGES, "reconstruction": IMAGES}
    maps |= {"squared_error": IMAGES[..., 0], "slug": IMAGES[..., 1]}
    maps |= {"squared_error_rgb": IMAGES, "slug_rgb": 300 * IMAGES}
    object_rows(axes, maps, table(may_show))
    assert pictures(figure) == shown
    assert reasons(figure) == 24 - shown


def test_only_the_image_that_may_not_be_shown_is_withheld():
    figure = contact_sheet(table([True, False, True, True]), stored(), columns=2)
    assert pictures(figure) == 3
    assert reasons(figure) == 1


def test_labels_of_the_losses_do_not_lie_on_each_other():
    values = [30_000, 8_000, -500, -4_900]
    _, axis = plt.subplots()
    table = {"epoch": range(4), "negative_elbo": values, "dataset": "A", "seed": 0}
    losses(axis, pd.DataFrame(table))
    axis.figure.canvas.draw()
    boxes = [label.get_window_extent() for label in axis.get_yticklabels()]
    assert len(boxes) >= 4
    assert all(low.y1 < high.y0 for low, high in itertools.pairwise(boxes))
