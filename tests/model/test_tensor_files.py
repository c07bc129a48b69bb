"""Tensors from PyTorch files, without executing what is in them."""

import os
import pickle
import zipfile

import numpy as np
import pytest
from torch_files import dump, write_sequence, write_zip

from slugkit.model.tensor_files import read_tensors


@pytest.mark.parametrize("write", [write_zip, write_sequence])
def test_tensors_are_read_as_written(state, torch_names, tmp_path, write):
    tensors = read_tensors(write(tmp_path / "a.pth", state, torch_names))
    assert list(tensors) == list(state)
    for name, array in state.items():
        np.testing.assert_array_equal(tensors[name], array)


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_that_would_run_something_is_refused(tmp_path, zipped):
    target = tmp_path / "made"
    body = pickle.dumps({"a": Evil(str(target))}, protocol=2)
    path = tmp_path / "evil.pth"
    if zipped:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a/data.pkl", body)
    else:
        path.write_bytes(body)
    with pytest.raises(ValueError, match="mkdir, which is no tensor"):
        read_tensors(path)
    assert not target.exists()


def test_a_tensor_beyond_its_storage_is_refused(torch_names, tmp_path):
    path = tmp_path / "a.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", dump({"x": np.zeros(9, np.float32)}, torch_names, ()))
        archive.writestr("a/data/0", bytes(8))
    with pytest.raises(ValueError, match="does not fit its storage"):
        read_tensors(path)
