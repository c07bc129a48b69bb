"""Perceptual loss: squared distance between VGG-19 features of image and reconstruction."""

import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from slugkit.errors import InputError
from slugkit.model.tensor_files import read_tensors

LAYERS = ("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1")
# Where torchvision's vgg19 keeps these layers.
_TORCHVISION = dict(zip(LAYERS, (0, 2, 5, 7, 10), strict=True))
_IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_IMAGENET_STANDARD_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
# Files that `find_weights` looks for under the data root.
_PLACES = ("vgg19/vgg19-dcbb9e9d.pth", "weights/vgg19_normalised_relu3_1.npz")

Features = Callable[[jax.Array], dict[str, jax.Array]]


@dataclass(frozen=True)
class Weights:
    """The first layers of VGG-19, and how their training treated images."""

    kernels: dict[str, np.ndarray]  # (3, 3, in, out) of each convolution
    biases: dict[str, np.ndarray]  # (out,)
    colour: np.ndarray  # (3, 3), RGB in [0, 1] to the input of conv1_1: x @ colour + offset
    offset: np.ndarray  # (3,)
    padding: str  # "reflect" or "constant" (zeros)


def find_weights(root: str | Path) -> Path | None:
    """Return the VGG-19 weights under the data root, or None."""
    return next((path for place in _PLACES if (path := Path(root) / place).is_file()), None)


def load_weights(path: str | Path) -> Weights:
    """Read VGG-19 weights, from arrays (.npz) or from torchvision's file (.pth).

    Nothing in the file is executed: of a .pth only the tensors are read, and anything else in it
    is refused.

    Parameters
    ----------
    path
        An .npz with pre_1x1, conv1_1, ... conv3_1, each with /kernel_hwio and /bias (Caffe
        weights, reflection padding), or vgg19-dcbb9e9d.pth (zero padding).

    Raises
    ------
    InputError
        The file is missing, is of another kind, or lacks a layer.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; see `slugkit data show vgg19`")
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                return _from_arrays(arrays)
        return _from_state(read_tensors(path))
    except KeyError as error:
        raise InputError(f"{path}: the array {error} is missing; fetch the file again") from error
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: no readable VGG-19 weights ({error}); see `slugkit data show vgg19`"
        ) from error


def _from_arrays(arrays: Mapping[str, np.ndarray]) -> Weights:
    return Weights(
        kernels={layer: arrays[f"{layer}/kernel_hwio"] for layer in LAYERS},
        biases={layer: arrays[f"{layer}/bias"] for layer in LAYERS},
        colour=arrays["pre_1x1/kernel_hwio"][0, 0],
        offset=arrays["pre_1x1/bias"],
        padding="reflect",
    )


def _from_state(state: Mapping[str, np.ndarray]) -> Weights:
    return Weights(
        kernels={
            layer: state[f"features.{number}.weight"].transpose(2, 3, 1, 0)
            for layer, number in _TORCHVISION.items()
        },
        biases={layer: state[f"features.{n}.bias"] for layer, n in _TORCHVISION.items()},
        colour=np.diag(1 / _IMAGENET_STANDARD_DEVIATION),
        offset=-_IMAGENET_MEAN / _IMAGENET_STANDARD_DEVIATION,
        padding="constant",
    )


def features(weights: Weights) -> Features:
    """Return the function from images to their features after relu1_1, relu2_1 and relu3_1.

    The function maps (n, H, W, 3) in [0, 1] to (n, H, W, 64), (n, H/2, W/2, 128) and
    (n, H/4, W/4, 256).

    References
    ----------
    Simonyan and Zisserman (2015); the layers are those of Hou et al. (2017), VAE-123.
    """

    def convolve(name: str, images: jax.Array) -> jax.Array:
        padded = jnp.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode=weights.padding)
        product = lax.conv_general_dilated(
            padded,
            jnp.asarray(weights.kernels[name]),
            (1, 1),
            "VALID",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        return jax.nn.relu(product + weights.biases[name])

    def pool(images: jax.Array) -> jax.Array:
        window = (1, 2, 2, 1)
        return lax.reduce_window(images, -jnp.inf, lax.max, window, window, "VALID")

    def apply(images: jax.Array) -> dict[str, jax.Array]:
        relu1_1 = convolve("conv1_1", images @ weights.colour + weights.offset)
        relu2_1 = convolve("conv2_1", pool(convolve("conv1_2", relu1_1)))
        relu3_1 = convolve("conv3_1", pool(convolve("conv2_2", relu2_1)))
        return {"relu1_1": relu1_1, "relu2_1": relu2_1, "relu3_1": relu3_1}

    return apply


def perceptual_loss(
    feature_maps: Features, weight: float = 1.0
) -> Callable[[jax.Array, jax.Array], jax.Array]:
    r"""Return the perceptual loss of each image: a function of images and reconstructions.

    .. math:: w \sum_l \frac{1}{2 C_l W_l H_l} |\Phi_l(x) - \Phi_l(\hat x)|^2

    Parameters
    ----------
    feature_maps
        See `features`.
    weight
        w; the scales of the two sets of weights differ, so it does not carry over.

    References
    ----------
    The paper's equation 3, its factor read as 1 / (2 C W H); Hou et al. (2017).
    """

    def loss(images: jax.Array, reconstructions: jax.Array) -> jax.Array:
        # The images are data: only the reconstructions are differentiated.
        wanted = lax.stop_gradient(feature_maps(images))
        found = feature_maps(reconstructions)
        distances = [jnp.mean((wanted[k] - found[k]) ** 2, axis=(1, 2, 3)) for k in wanted]
        return weight / 2 * sum(distances, start=jnp.zeros(len(images)))

    return loss
