"""The lesion beside the object: three regions that do not overlap, and their means."""

import numpy as np
import pandas as pd
import pytest

from companion.experiments.objects.lesions import COLUMNS, measure
from companion.experiments.objects.measure import Observation
from companion.experiments.objects.tables import lesion_checks, lesion_table
from companion.pipeline.store import load_table, save_table
from companion.profiles import load_profile
from companion.statistics.claims import Finding, verdicts
from slugkit.data.synthesis.foreign_objects import overlay_each
from slugkit.data.synthesis.synthetic import generate

IMAGES = generate([2, 2], 24, seed=1)
LESIONS = np.zeros((2, 24, 24), bool)
LESIONS[:, 6:18, 6:18] = True


def brightness(images):
    """An observer whose map is known: the sum over channels."""
    maps = images.sum(axis=-1)
    seen = Observation(maps.sum(axis=(1, 2)), maps)
    return {"slug": seen, "squared_error": seen}


def test_the_three_means_are_over_what_is_seen_of_each():
    table = measure(brightness, IMAGES, LESIONS, ["a", "b"], kinds=["patch", "ink"], seed=3)
    assert list(table.columns) == list(COLUMNS)
    assert len(table) == 2 * 2 * 2
    changed, objects = overlay_each(IMAGES, ["patch"] * 2, 3)
    row = table[(table["kind"] == "patch") & (table["image_id"] == "b")].iloc[0]
    map_, object_, lesion = changed[1].sum(axis=-1), objects[1], LESIONS[1]
    assert row["object"] == pytest.approx(map_[object_].mean())
    assert row["lesion"] == pytest.approx(map_[lesion & ~object_].mean())
    assert row["skin"] == pytest.approx(map_[~lesion & ~object_].mean())
    assert row["lesion_share"] == pytest.approx((lesion & ~object_).mean())


def test_an_image_without_a_lesion_has_no_row():
    nothing = LESIONS & np.array([True, False])[:, None, None]
    table = measure(brightness, IMAGES, nothing, ["a", "b"], kinds=["patch"], seed=3)
    assert set(table["image_id"]) == {"a"}


def test_without_images_the_table_is_empty_and_can_be_shown():
    table = measure(brightness, IMAGES[:0], LESIONS[:0], [], kinds=[], seed=3)
    assert list(table.columns) == list(COLUMNS)
    assert lesion_table(table, load_profile("quick")).empty
    assert lesion_checks(table, load_profile("quick")) == []


@pytest.mark.parametrize(
    ("skin", "lesion", "object_", "finding"),
    [
        (1.0, 2.0, 3.0, Finding.REPRODUCED),
        (2.0, 1.0, 3.0, Finding.NOT_REPRODUCED),  # the lesion is the most certain of all
        (3.0, 2.0, 1.0, Finding.NOT_REPRODUCED),
        (1.0, np.array([0.5, 1.0, 2.0]), 3.0, Finding.INCONCLUSIVE),
    ],
)
def test_the_verdict_on_the_lesion_follows_from_the_order_within_images(
    skin, lesion, object_, finding, tmp_path
):
    one_run = pd.DataFrame(
        {
            "image_id": ["a", "b", "c"],
            "kind": "ruler",
            "method": "slug",
            "skin": skin,
            "lesion": lesion,
            "object": object_,
        }
    )
    rows = pd.concat([one_run.assign(seed=seed) for seed in range(3)])
    ignored = rows.assign(method="squared_error", lesion=1e9)
    save_table(tmp_path / "lesions.csv", pd.concat([rows, ignored]))
    checks = lesion_checks(load_table(tmp_path / "lesions.csv"), load_profile("reduced"))
    assert [one.interval.value for one in checks] == pytest.approx(
        [np.mean(np.log(lesion / skin)), np.mean(np.log(object_ / lesion))]
    )
    assert verdicts({"C11": checks}, load_profile("reduced"))["C11"].verdict is finding
