"""Files as PyTorch writes them, written without PyTorch."""

import io
import pickle
import zipfile
from collections import OrderedDict

import numpy as np


class Storage:
    def __init__(self, key, length):
        self.key, self.length = key, length


def dump(state, torch, tail):
    """Pickle a state as PyTorch does; `tail` is what follows the length in a storage's name."""

    class Tensor:
        def __init__(self, array, key):
            self.array, self.key = array, key

        def __reduce__(self):
            steps = tuple(step // 4 for step in np.ascontiguousarray(self.array).strides)
            storage = Storage(self.key, self.array.size)
            arguments = (storage, 0, self.array.shape, steps, False, OrderedDict())
            return torch._utils._rebuild_tensor_v2, arguments

    class Pickler(pickle.Pickler):
        def persistent_id(self, item):
            if isinstance(item, Storage):
                return ("storage", torch.FloatStorage, item.key, "cpu", item.length, *tail)
            return None

    buffer = io.BytesIO()
    tensors = OrderedDict((k, Tensor(v, str(n))) for n, (k, v) in enumerate(state.items()))
    Pickler(buffer, protocol=2).dump(tensors)
    return buffer.getvalue()


def write_zip(path, state, torch):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("vgg19/data.pkl", dump(state, torch, ()))
        for key, array in enumerate(state.values()):
            archive.writestr(f"vgg19/data/{key}", np.ascontiguousarray(array).tobytes())
    return path


def write_sequence(path, state, torch):
    with path.open("wb") as out:
        pickle.dump(0x1950A86A20F9469CFC6C, out, protocol=2)
        pickle.dump(1001, out, protocol=2)
        pickle.dump({"protocol_version": 1001, "little_endian": True}, out, protocol=2)
        out.write(dump(state, torch, (None,)))
        pickle.dump([str(key) for key in range(len(state))], out, protocol=2)
        for array in state.values():
            out.write(array.size.to_bytes(8, "little") + np.ascontiguousarray(array).tobytes())
    return path
