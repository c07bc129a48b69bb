"""The report tells what is absent, unreadable, repeated and contradictory."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from companion.experiments.data.report import describe
from slugkit.data.prepare import prepare


@pytest.fixture
def prepared(tmp_path):
    """Four images: two nearly the same but labelled FST I and V, one of its own, one broken."""
    smooth = np.random.default_rng(0).random((2, 6, 6, 3)) * 255
    images = [
        Image.fromarray(s.astype(np.uint8)).resize((96, 96), Image.Resampling.BICUBIC)
        for s in (smooth[0], smooth[0], smooth[1])
    ]
    images[1].putpixel((5, 5), (0, 0, 0))
    for number, image in enumerate(images):
        image.save(tmp_path / f"{number}.png")
    (tmp_path / "3.png").write_bytes(b"not an image")
    names = [str(number) for number in range(4)]
    table = pd.DataFrame(
        {
            "image_id": names,
            "source": "made",
            "file": [f"{name}.png" for name in names],
            "fitzpatrick": pd.array([1, 5, pd.NA, 2], dtype="Int64"),
            "group": names,
            "object": "",
            "may_show": True,
        }
    )
    return prepare(table, tmp_path, tmp_path / "out", 32)


def test_every_count_is_the_one_that_was_made(prepared):
    found = describe(prepared, 10)
    assert found.pop("images as published") == 10
    assert found.pop("absent here") == 6
    assert found.pop("unreadable") == 1
    assert found.pop("images at hand") == 3
    assert found.pop("pairs of near-duplicates") == 1
    assert found.pop("images in groups of several") == 2
    assert found.pop("images whose group has several skin types") == 2
    assert {name: count for name, count in found.items() if count} == {
        "FST I": 1,
        "FST V": 1,
        "skin type unknown": 1,
    }


def test_what_the_reader_left_out_is_not_absent(prepared):
    found = describe(replace(prepared, left_out={"one reason": 1, "another": 2}), 10)
    assert found["left out for their labels"] == 3
    assert found["absent here"] == 3


def test_what_is_not_known_is_called_unknown(prepared):
    assert describe(prepared, "unknown")["absent here"] == "unknown"
