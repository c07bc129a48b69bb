"""Tensors from a PyTorch file, without PyTorch and without executing the pickle in it."""

import pickle
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np


def read_tensors(path: str | Path) -> dict[str, np.ndarray]:
    """Read the float32 tensors of a PyTorch state file without PyTorch and without running it.

    Both kinds of file are read, the zip archive and the older plain sequence of pickles. The
    pickles may name only the constructors of a dictionary and of a tensor; the latter is ours and
    does nothing but note where the numbers are.

    Raises
    ------
    ValueError
        The file is of neither kind, names anything else, or a tensor does not fit its storage.
    """
    try:
        if zipfile.is_zipfile(path):
            return _read_zip(path)
        with Path(path).open("rb") as stream:
            return _read_sequence(stream)
    # What the pickle module raises for bytes that are no pickle.
    except (pickle.UnpicklingError, EOFError, AttributeError, IndexError, TypeError) as error:
        raise ValueError(str(error)) from error


@dataclass(frozen=True)
class _Tensor:
    storage: tuple[Any, ...]  # ("storage", type, key, device, length, ...)
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def read(self, numbers: np.ndarray) -> np.ndarray:
        last = self.offset + sum(
            (n - 1) * step for n, step in zip(self.shape, self.strides, strict=True)
        )
        if min(self.offset, *self.strides, 0) < 0 or last >= len(numbers):
            raise ValueError("a tensor does not fit its storage")
        steps = tuple(step * numbers.itemsize for step in self.strides)
        return np.lib.stride_tricks.as_strided(numbers[self.offset :], self.shape, steps).copy()


def _rebuild(storage: Any, offset: int, shape: Any, strides: Any, *_: Any) -> _Tensor:
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


_KNOWN: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor"): _rebuild,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
    ("torch", "FloatStorage"): "float32",
}


class _Reader(pickle.Unpickler):
    """Unpickles names and places of tensors, and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is no tensor")
        return _KNOWN[module, name]

    def persistent_load(self, pid: Any) -> Any:
        return pid


def _tensors(stream: IO[bytes]) -> dict[str, _Tensor]:
    state = _Reader(stream).load()
    if not isinstance(state, dict):
        raise ValueError("it holds no dictionary of tensors")
    return {str(k): tensor for k, tensor in state.items() if isinstance(tensor, _Tensor)}


def _read_zip(path: str | Path) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(names) != 1:
            raise ValueError("an archive, but not one of tensors")
        folder = names[0].removesuffix("data.pkl")
        with archive.open(names[0]) as stream:
            tensors = _tensors(stream)

        def numbers(tensor: _Tensor) -> np.ndarray:
            return np.frombuffer(archive.read(f"{folder}data/{tensor.storage[2]}"), "<f4")

        return {name: tensor.read(numbers(tensor)) for name, tensor in tensors.items()}


def _read_sequence(stream: IO[bytes]) -> dict[str, np.ndarray]:
    if _Reader(stream).load() != 0x1950A86A20F9469CFC6C:
        raise ValueError("no file of PyTorch tensors")
    _Reader(stream).load()  # version of the format
    _Reader(stream).load()  # byte order and sizes of the machine that wrote it
    tensors = _tensors(stream)
    keys = _Reader(stream).load()
    storages = {}
    for key in keys:
        length = int.from_bytes(stream.read(8), "little")
        storages[key] = np.frombuffer(stream.read(4 * length), "<f4")
    return {name: tensor.read(storages[tensor.storage[2]]) for name, tensor in tensors.items()}
