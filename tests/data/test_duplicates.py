import numpy as np
import pandas as pd
import pytest
from PIL import Image

from slugkit.data.duplicates import (
    Fingerprints,
    fingerprints,
    label_conflicts,
    merge_groups,
    near_duplicates,
    published_pairs,
)
from slugkit.errors import InputError


def table_of(groups, types=None):
    return pd.DataFrame(
        {
            "image_id": [f"i{k}" for k in range(len(groups))],
            "group": groups,
            "fitzpatrick": pd.array(types or [1] * len(groups), dtype="Int64"),
        }
    )


def pairs_of(*pairs):
    return pd.DataFrame(list(pairs), columns=["first", "second"], dtype="int64")


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (20, 6, 6, 3), np.uint8)
    return [np.asarray(Image.fromarray(c).resize((64, 64), Image.BICUBIC)) for c in coarse]


def test_different_pictures_are_no_duplicates(pictures):
    assert near_duplicates(fingerprints(pictures)).empty


def test_small_changes_are_found(pictures):
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 4, pictures[0].shape)
    darker = (0.8 * pictures[3]).astype(np.uint8)
    noisy = np.clip(pictures[7] + noise, 0, 255).astype(np.uint8)
    pairs = near_duplicates(fingerprints([*pictures, darker, noisy, pictures[9]]))
    assert set(zip(pairs["first"], pairs["second"], strict=True)) == {(3, 20), (7, 21), (9, 22)}


def test_equal_hashes_with_different_thumbnails_are_no_duplicates():
    thumbnails = np.eye(2, 1024, dtype=np.float32)
    prints = Fingerprints(np.zeros(2, np.uint64), thumbnails)
    assert near_duplicates(prints).empty


def test_all_pairs_within_the_distance_across_blocks():
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**12, 600, dtype=np.uint64)
    prints = Fingerprints(hashes, np.ones((600, 1), np.float32))
    pairs = near_duplicates(prints, max_distance=2)
    found = set(zip(pairs["first"], pairs["second"], strict=True))
    values = hashes.tolist()
    assert found == {
        (first, second)
        for second in range(600)
        for first in range(second)
        if (values[first] ^ values[second]).bit_count() <= 2
    }


def test_constant_pictures_do_not_divide_by_zero():
    prints = fingerprints([np.zeros((32, 32, 3), np.uint8)])
    assert np.isfinite(prints.thumbnails).all()


def test_merged_groups_follow_chains_and_former_groups():
    table = table_of(["a", "b", "c", "b", "d", "e"])
    merged = merge_groups(table, pairs_of((0, 1), (3, 4)))
    assert list(merged["group"]) == ["a", "a", "c", "a", "a", "e"]
    pd.testing.assert_frame_equal(merge_groups(table, pairs_of()), table)


def test_label_conflicts():
    table = table_of(["a", "a", "b", "b", "c"], [1, 2, 3, pd.NA, 4])
    assert list(label_conflicts(table)["image_id"]) == ["i0", "i1"]


def test_published_lists(tmp_path):
    path = tmp_path / "near_duplicates.csv"
    path.write_text("md5hash_list,label\n\"['i0', 'i2', 'gone']\",1\n\"['i1', 'i3']\",0\n")
    pairs = published_pairs(table_of(list("abcd")), path)
    assert pairs.to_numpy().tolist() == [[0, 2]]
    path.write_text("image_name_1,image_name_2\ni1,i3\ngone,i0\n")
    assert published_pairs(table_of(list("abcd")), path).to_numpy().tolist() == [[1, 3]]
    with pytest.raises(InputError, match="no readable list of duplicates"):
        published_pairs(table_of(list("abcd")), tmp_path / "absent.csv")
