import os
import pickle
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from torch_files import write_sequence, write_zip

from slugkit.errors import InputError
from slugkit.model.perceptual import features, find_weights, load_weights, perceptual_loss
from slugkit.operators import losses

DATA = Path(os.environ.get("SLUGKIT_DATA", Path(__file__).parents[3] / "shared" / "data"))


def reference(image, arrays, mode, colour, offset):
    """Compute the features of one image in float64 with numpy alone."""

    def convolve(name, x):
        padded = np.pad(x, ((1, 1), (1, 1), (0, 0)), mode=mode)
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))
        kernel = arrays[f"{name}/kernel_hwio"].astype(float)
        return np.maximum(
            np.tensordot(windows, kernel, ((3, 4, 2), (0, 1, 2))) + arrays[f"{name}/bias"], 0
        )

    def pool(x):
        height, width, channels = x.shape
        return x.reshape(height // 2, 2, width // 2, 2, channels).max((1, 3))

    relu1_1 = convolve("conv1_1", image.astype(float) @ colour + offset)
    relu2_1 = convolve("conv2_1", pool(convolve("conv1_2", relu1_1)))
    relu3_1 = convolve("conv3_1", pool(convolve("conv2_2", relu2_1)))
    return {"relu1_1": relu1_1, "relu2_1": relu2_1, "relu3_1": relu3_1}


def images(n=2, side=16):
    return np.random.default_rng(1).uniform(size=(n, side, side, 3)).astype(np.float32)


def check(found, expected):
    for layer, value in expected.items():
        np.testing.assert_allclose(found[layer][0], value, atol=1e-5 * np.abs(value).max())


def test_arrays_against_the_reference(arrays, tmp_path):
    np.savez(tmp_path / "a.npz", **arrays)
    x = images()
    found = features(load_weights(tmp_path / "a.npz"))(x)
    assert {name: value.shape for name, value in found.items()} == {
        "relu1_1": (2, 16, 16, 64),
        "relu2_1": (2, 8, 8, 128),
        "relu3_1": (2, 4, 4, 256),
    }
    colour, offset = arrays["pre_1x1/kernel_hwio"][0, 0], arrays["pre_1x1/bias"]
    check(found, reference(x[0], arrays, "reflect", colour, offset))


@pytest.mark.parametrize("write", [write_zip, write_sequence])
def test_torchvision_against_the_reference(arrays, state, torch_names, tmp_path, write):
    path = write(tmp_path / "vgg19.pth", state, torch_names)
    x = images()
    found = features(load_weights(path))(x)
    standard_deviation = np.array([0.229, 0.224, 0.225])
    offset = -np.array([0.485, 0.456, 0.406]) / standard_deviation
    check(found, reference(x[0], arrays, "constant", np.diag(1 / standard_deviation), offset))


def test_bad_files(arrays, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_weights(tmp_path / "absent.npz")
    (tmp_path / "a.npz").write_bytes(b"nothing")
    (tmp_path / "a.pth").write_bytes(b"<html>")
    (tmp_path / "cut.pth").write_bytes(pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2))
    for name in ("a.npz", "a.pth", "cut.pth"):
        with pytest.raises(InputError, match="no readable VGG-19 weights"):
            load_weights(tmp_path / name)
    missing = {name: array for name, array in arrays.items() if name != "conv2_1/bias"}
    np.savez(tmp_path / "missing.npz", **missing)
    with pytest.raises(InputError, match="conv2_1/bias"):
        load_weights(tmp_path / "missing.npz")


@pytest.fixture
def feature_maps(arrays, tmp_path):
    np.savez(tmp_path / "a.npz", **arrays)
    return features(load_weights(tmp_path / "a.npz"))


def test_loss_is_equation_3(feature_maps):
    x, y = images(), images()[::-1]
    loss = perceptual_loss(feature_maps, weight=3.0)(x, y)
    expected = np.zeros(2)
    for name, wanted in feature_maps(x).items():
        difference = np.asarray(wanted, float) - np.asarray(feature_maps(y)[name], float)
        expected += 3 * (difference**2).sum((1, 2, 3)) / (2 * difference[0].size)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
    np.testing.assert_array_equal(perceptual_loss(feature_maps)(x, x), 0)


def test_gradient_flows_to_the_reconstruction_alone(feature_maps):
    loss = perceptual_loss(feature_maps)
    x, y = jnp.asarray(images(side=8)), jnp.asarray(images(side=8)[::-1])
    to_image, to_reconstruction = jax.jit(jax.grad(lambda a, b: loss(a, b).sum(), (0, 1)))(x, y)
    assert not jnp.any(to_image)
    assert jnp.linalg.norm(to_reconstruction) > 0


def test_curvature_at_a_perfect_reconstruction_is_the_hessian_of_the_ggn(feature_maps):
    x = jnp.asarray(images(1, side=8))
    tangent = jnp.asarray(np.random.default_rng(2).normal(size=x.shape), jnp.float32)
    step = 1e-2 * tangent
    # |t|^2 / 2 plus the loss is t^T H t / 2 to second order where image and output agree.
    hessian = jax.jit(losses.perceptual(feature_maps, weight=0.5))(x, tangent)
    loss = jax.jit(perceptual_loss(feature_maps, weight=0.5))(x, x + step).sum() / 1e-4
    expected = float(jnp.vdot(tangent, hessian))
    np.testing.assert_allclose(
        float(jnp.vdot(tangent, tangent)) + 2 * float(loss), expected, rtol=0.05
    )


def test_find_weights(tmp_path):
    assert find_weights(tmp_path) is None
    for place in ("weights/vgg19_normalised_relu3_1.npz", "vgg19/vgg19-dcbb9e9d.pth"):
        path = tmp_path / place
        path.parent.mkdir()
        path.touch()
        assert find_weights(tmp_path) == path


def test_real_weights_against_the_reference():
    path = find_weights(DATA)
    if path is None:
        pytest.skip(f"no VGG-19 weights under {DATA}; set SLUGKIT_DATA")
    if path.suffix != ".npz":
        pytest.skip("the reference is for the Caffe weights")
    with np.load(path) as stored:
        arrays = dict(stored)
    x = images(1)
    colour, offset = arrays["pre_1x1/kernel_hwio"][0, 0], arrays["pre_1x1/bias"]
    # The published conversion: RGB in [0, 1] to BGR in 0..255 less the mean of ImageNet.
    np.testing.assert_array_equal(colour, 255 * np.eye(3)[::-1])
    found = features(load_weights(path))(x)
    check(found, reference(x[0], arrays, "reflect", colour, offset))
    # Normalised so that each channel's mean activation over natural images is about 1.
    assert 0.05 < float(found["relu3_1"].mean()) < 10
