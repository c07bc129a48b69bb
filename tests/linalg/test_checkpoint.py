"""A file that keeps the state of a computation."""

import numpy as np
import pytest

from slugkit.errors import InputError
from slugkit.linalg import checkpoint
from slugkit.linalg.checkpoint import Checkpoint


def test_what_is_saved_is_read_again(tmp_path):
    store = Checkpoint(tmp_path / "state", "fit of rank 3")
    assert store.read() is None
    store.save({"vectors": np.arange(6.0).reshape(2, 3), "done": 2})
    saved = Checkpoint(tmp_path / "state", "fit of rank 3").read()
    np.testing.assert_array_equal(saved["vectors"], np.arange(6.0).reshape(2, 3))
    assert int(saved["done"]) == 2
    assert [file.name for file in tmp_path.iterdir()] == ["state"]


def test_it_is_due_after_a_pause(tmp_path, monkeypatch):
    assert not Checkpoint(tmp_path / "state", "a").due()
    monkeypatch.setattr(checkpoint, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    assert Checkpoint(tmp_path / "state", "a").due()


def test_files_of_others_and_broken_files_are_refused(tmp_path):
    path = tmp_path / "state"
    Checkpoint(path, "a").save({"done": 1})
    with pytest.raises(InputError, match="belongs to other parameters"):
        Checkpoint(path, "b").read()
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(InputError, match="cannot be read"):
        Checkpoint(path, "a").read()
