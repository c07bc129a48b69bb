"""Pools of images, and the same images at other sizes."""

import numpy as np
import pytest

from companion import paths
from companion.experiments.data import decode
from companion.experiments.data.pools import at_size, synthetic_pool
from slugkit.data.sources import index


def test_generated_images_are_the_same_at_the_pool_s_own_size():
    pool = synthetic_pool({1: 3, 5: 2}, 16, seed=0)
    rows = pool.table.sample(frac=1, random_state=1)
    np.testing.assert_array_equal(at_size(rows, 16), pool.load(rows))
    assert at_size(rows, 24).shape == (5, 24, 24, 3)


def test_real_images_come_from_the_set_decoded_at_that_size(monkeypatch, tmp_path):
    root = paths.data_root()
    if not (root / "pad_ufes_20_subset").is_dir():
        pytest.skip(f"no PAD-UFES-20 under {root}: set SLUGKIT_DATA")
    monkeypatch.setattr(decode, "decoded_folder", lambda name, size: tmp_path / f"{name}-{size}")
    monkeypatch.setattr(
        "companion.experiments.data.pools.decoded_folder",
        lambda name, size: tmp_path / f"{name}-{size}",
    )
    rows = index("pad_ufes_20", root).head(3)
    for size in (16, 32):
        decode.run("pad_ufes_20", size)
    small, large = at_size(rows, 16), at_size(rows, 32)
    reduced = large.reshape(3, 16, 2, 16, 2, 3).mean(axis=(2, 4))
    assert np.abs(small - reduced).mean(axis=(1, 2, 3)).max() < 0.02
