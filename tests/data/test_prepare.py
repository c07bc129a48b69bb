import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from slugkit.data import prepare as module
from slugkit.data.images import read_image
from slugkit.data.prepare import is_intact, open_prepared, prepare
from slugkit.data.sources import index
from slugkit.data.splits import make_splits
from slugkit.errors import InputError
from slugkit.files import sha256

# Reads sixty pictures, three chunks and a part of the fourth, and no more.
HALTING_RUN = """
import sys, threading
import pandas as pd
from slugkit.data import prepare

room = threading.Semaphore(60)

def halting(path, size, read=prepare.read_pixels):
    room.acquire()
    return read(path, size)

prepare.CHUNK, prepare.read_pixels = 16, halting
prepare.prepare(pd.read_parquet(sys.argv[1]), sys.argv[2], sys.argv[3], 32)
"""


@pytest.fixture
def folder_of_images(tmp_path):
    """Return a data root with 300 different small pictures and its index table."""
    rng = np.random.default_rng(0)
    root = tmp_path / "root"
    root.mkdir()
    rows = []
    for k in range(300):
        coarse = Image.fromarray(rng.integers(0, 256, (5, 5, 3), np.uint8))
        coarse.resize((48, 40), Image.Resampling.BICUBIC).save(root / f"{k:03}.png")
        rows.append((f"{k:03}", f"{k:03}.png", 1 + k % 6, f"g{k:03}"))
    table = pd.DataFrame(rows, columns=["image_id", "file", "fitzpatrick", "group"])
    return root, table.astype({"fitzpatrick": "Int64"})


def test_arrays_index_and_digests(folder_of_images, tmp_path):
    root, table = folder_of_images
    prepared = prepare(table, root, tmp_path / "out", 32)
    assert prepared.images.shape == (300, 32, 32, 3)
    assert isinstance(prepared.images, np.memmap)
    assert prepared.failures.empty
    assert prepared.duplicates.empty
    assert prepared.table["sha256"][7] == sha256(root / "007.png")
    chosen = table.iloc[[250, 3, 77]]
    images = prepared.load(chosen)
    for image, file in zip(images, chosen["file"], strict=True):
        np.testing.assert_array_equal(image, read_image(root / file, 32))
    assert is_intact(tmp_path / "out")
    assert not list((tmp_path / "out").glob("*partial*"))


def test_second_run_decodes_nothing(folder_of_images, tmp_path, monkeypatch):
    root, table = folder_of_images
    prepare(table, root, tmp_path / "out", 32)
    monkeypatch.setattr(module, "read_pixels", None)
    assert len(prepare(table, root, tmp_path / "out", 32).table) == 300


def test_changed_size_or_file_is_prepared_again(folder_of_images, tmp_path):
    root, table = folder_of_images
    prepare(table, root, tmp_path / "out", 32)
    assert prepare(table, root, tmp_path / "out", 16).images.shape[1] == 16
    Image.new("RGB", (40, 40), "red").save(root / "000.png")
    prepared = prepare(table, root, tmp_path / "out", 16)
    np.testing.assert_array_equal(prepared.images[0], np.full((16, 16, 3), [255, 0, 0]))


def test_unreadable_images_are_listed_and_left_out(folder_of_images, tmp_path):
    root, table = folder_of_images
    (root / "005.png").write_text("<html>gone</html>")
    prepared = prepare(table, root, tmp_path / "out", 16)
    assert list(prepared.failures["image_id"]) == ["005"]
    assert "a web page" in prepared.failures["reason"][0]
    assert "005" not in set(prepared.table["image_id"])
    with pytest.raises(InputError, match="1 images were not prepared, such as 005"):
        prepared.load(table)
    np.testing.assert_array_equal(
        prepared.load(table[table["image_id"] == "006"])[0], read_image(root / "006.png", 16)
    )


def test_duplicate_groups_are_merged_as_well(folder_of_images, tmp_path):
    root, table = folder_of_images
    with Image.open(root / "000.png") as image:
        image.resize((96, 80)).save(root / "120.png")
    table = table.assign(duplicate_group=table["image_id"])
    found = prepare(table, root, tmp_path / "out", 32).table.set_index("image_id")
    assert found["duplicate_group"]["000"] == found["duplicate_group"]["120"] == "000"
    assert found["duplicate_group"].nunique() == 299


def test_what_the_reader_left_out_is_remembered(folder_of_images, tmp_path):
    root, table = folder_of_images
    assert prepare(table, root, tmp_path / "out", 32).left_out == {}
    table.attrs["left_out"] = {"a reason": 3}
    prepare(table, root, tmp_path / "other", 32)
    assert open_prepared(tmp_path / "other").left_out == {"a reason": 3}


def test_near_duplicates_share_a_group_and_stay_on_one_side(folder_of_images, tmp_path):
    root, table = folder_of_images
    for k in range(0, 60, 6):
        with Image.open(root / f"{k:03}.png") as image:
            image.resize((96, 80)).save(root / f"{k + 120:03}.png")
    prepared = prepare(table, root, tmp_path / "out", 32)
    assert len(prepared.duplicates) == 10
    groups = prepared.table.set_index("image_id")["group"]
    assert groups["000"] == groups["120"] == "g000"
    for seed in range(5):
        splits = make_splits(prepared.table, light=[1], dark=[2], train=20, test=15, seed=seed)
        sides = [
            {group for part in parts.values() for group in part["group"]}
            for parts in (splits.train, splits.test)
        ]
        assert not sides[0] & sides[1]


def test_published_duplicates_are_kept_in_one_group(folder_of_images, tmp_path):
    root, table = folder_of_images
    listed = tmp_path / "near_duplicates.csv"
    listed.write_text("md5hash_list,label\n\"['000', '001', '002']\",1\n")
    prepared = prepare(table.iloc[:9], root, tmp_path / "out", 16, published=[listed])
    assert list(prepared.table["group"][:4]) == ["g000", "g000", "g000", "g003"]
    listed.write_text("md5hash_list,label\n\"['000', '001', '002']\",0\n")
    prepared = prepare(table.iloc[:9], root, tmp_path / "out", 16, published=[listed])
    assert prepared.table["group"].is_unique


def test_killed_run_resumes_with_the_same_result(folder_of_images, tmp_path):
    root, table = folder_of_images
    whole = prepare(table, root, tmp_path / "whole", 32)
    out = tmp_path / "killed"
    table.to_parquet(tmp_path / "table.parquet")
    arguments = [str(tmp_path / "table.parquet"), str(root), str(out)]
    process = subprocess.Popen([sys.executable, "-c", HALTING_RUN, *arguments])
    journal = out / "journal.partial.jsonl"
    while not (journal.is_file() and journal.read_text().count("\n") > 40):
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with pytest.raises(InputError, match="no prepared images"):
        open_prepared(out)
    with journal.open("a") as stream:
        stream.write('[299, "torn')
    reached = []
    resumed = prepare(table, root, out, 32, progress=lambda done, _, __: reached.append(done))
    assert reached[0] >= 32
    np.testing.assert_array_equal(resumed.images, whole.images)
    pd.testing.assert_frame_equal(resumed.table, whole.table)


def test_damaged_array_is_noticed(folder_of_images, tmp_path):
    root, table = folder_of_images
    prepare(table.iloc[:5], root, tmp_path / "out", 16)
    with (tmp_path / "out" / "images.npy").open("r+b") as stream:
        stream.seek(1000)
        stream.write(b"\0\1\2\3")
    assert not is_intact(tmp_path / "out")


def test_nothing_to_prepare(folder_of_images, tmp_path):
    root, table = folder_of_images
    with pytest.raises(InputError, match="index table is empty"):
        prepare(table.iloc[:0], root, tmp_path / "out", 16)
    with pytest.raises(InputError, match="no such file"):
        prepare(table.assign(file="gone.png"), root, tmp_path / "out", 16)
    (root / "000.png").write_bytes(b"")
    with pytest.raises(InputError, match="none of the 1 images can be read"):
        prepare(table.iloc[:1], root, tmp_path / "out", 16)


def test_full_disk_is_noticed_before_the_work(folder_of_images, tmp_path):
    root, table = folder_of_images
    with pytest.raises(InputError, match="GB are free"):
        prepare(table, root, tmp_path / "out", 1_000_000)
    assert not (tmp_path / "out" / "images.partial.npy").exists()


def test_real_pad_ufes_20(data_root, tmp_path):
    table = index("pad_ufes_20", data_root).iloc[:40]
    prepared = prepare(table, data_root, tmp_path / "out", 64)
    assert prepared.images.shape == (40, 64, 64, 3)
    assert prepared.failures.empty
