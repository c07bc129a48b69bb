import sys
import types
from collections import OrderedDict

import numpy as np
import pytest

from slugkit.model.perceptual import LAYERS

CHANNELS = dict(zip(LAYERS, [(3, 64), (64, 64), (64, 128), (128, 128), (128, 256)], strict=True))
TORCHVISION = dict(zip(LAYERS, (0, 2, 5, 7, 10), strict=True))


@pytest.fixture(scope="session")
def arrays():
    """Return random arrays in the layout of the .npz file."""
    rng = np.random.default_rng(0)
    result = {
        "pre_1x1/kernel_hwio": rng.normal(size=(1, 1, 3, 3)).astype(np.float32),
        "pre_1x1/bias": rng.normal(size=3).astype(np.float32),
    }
    for layer, (before, after) in CHANNELS.items():
        kernel = rng.normal(size=(3, 3, before, after)) / np.sqrt(9 * before)
        result[f"{layer}/kernel_hwio"] = kernel.astype(np.float32)
        result[f"{layer}/bias"] = rng.normal(size=after).astype(np.float32)
    return result


@pytest.fixture
def state(arrays):
    """Return the same kernels as torchvision names and lays them out, and a later layer."""
    result = OrderedDict()
    for layer, number in TORCHVISION.items():
        result[f"features.{number}.weight"] = arrays[f"{layer}/kernel_hwio"].transpose(3, 2, 0, 1)
        result[f"features.{number}.bias"] = arrays[f"{layer}/bias"]
    result["classifier.6.bias"] = np.zeros(10, np.float32)
    return result


@pytest.fixture
def torch_names(monkeypatch):
    """Make the names that PyTorch's files refer to, so that such a file can be written here."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch.FloatStorage = type("FloatStorage", (), {"__module__": "torch"})

    def _rebuild_tensor_v2(*_):
        raise AssertionError("only its name is used")

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    torch._utils = utils
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)
    return torch
