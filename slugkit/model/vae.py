"""The residual convolutional variational autoencoder of the paper (section 4), in flax.nnx.

The paper names residual blocks with batch normalisation and ELU, a down-sampling and an up-sampling
path and a Gaussian likelihood, and leaves widths and the shape of the latent open: both are
configuration here, with a spatial latent as the default and a dense bottleneck as the option.
"""

import functools
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from slugkit.model.architecture import Architecture
from slugkit.model.convolution import convolution
from slugkit.model.divergence import divergence
from slugkit.model.elu import elu


class ResidualBlock(nnx.Module):
    """x + conv(dropout(elu(bn(conv(elu(bn(x))))))), pre-activation order (He et al. 2016)."""

    def __init__(self, width: int, dropout: float, *, rngs: nnx.Rngs):
        self.norm1 = _norm(width, rngs)
        self.conv1 = _conv(width, width, rngs)
        self.norm2 = _norm(width, rngs)
        self.conv2 = _conv(width, width, rngs)
        # Without a stream of its own it adds nothing to the network's state.
        self.dropout = nnx.Dropout(dropout)

    def __call__(self, x: jax.Array, rngs: nnx.Rngs | None = None) -> jax.Array:
        h = self.conv1(elu(self.norm1(x)))
        return x + self.conv2(self.dropout(elu(self.norm2(h)), rngs=rngs))


class Encoder(nnx.Module):
    """Images to the mean and log-variance of q(z|x)."""

    def __init__(self, architecture: Architecture, *, rngs: nnx.Rngs):
        widths = architecture.widths
        layers: list[Any] = [_conv(3, widths[0], rngs)]
        for width, following in zip(widths, (*widths[1:], None), strict=True):
            layers += _blocks(width, architecture, rngs)
            if following is not None:
                layers.append(_conv(width, following, rngs, strides=2))
        self.path = nnx.List(layers)
        self.norm = _norm(widths[-1], rngs)
        self.dense = architecture.latent == "dense"
        self.head: nnx.Module
        if self.dense:
            side = architecture.image_size // 2 ** (len(widths) - 1)
            self.head = nnx.Linear(side**2 * widths[-1], 2 * architecture.latent_size, rngs=rngs)
        else:
            self.head = _conv(widths[-1], 2 * architecture.latent_size, rngs)

    def __call__(self, x: jax.Array, rngs: nnx.Rngs | None = None) -> tuple[jax.Array, jax.Array]:
        x = _follow(self.path, x, rngs)
        x = elu(self.norm(x))
        if self.dense:
            x = x.reshape(x.shape[0], -1)
        mean, log_variance = jnp.split(self.head(x), 2, axis=-1)
        # A bounded log-variance keeps exp() finite while the encoder is still untrained.
        return mean, jnp.clip(log_variance, -15.0, 5.0)


class Decoder(nnx.Module):
    """Latents to the mean of p(x|z), in (0, 1)."""

    def __init__(self, architecture: Architecture, *, rngs: nnx.Rngs):
        widths = architecture.widths[::-1]
        self.side = architecture.image_size // 2 ** (len(widths) - 1)
        self.width = widths[0]
        self.dense = architecture.latent == "dense"
        self.stem: nnx.Module
        if self.dense:
            self.stem = nnx.Linear(architecture.latent_size, self.side**2 * self.width, rngs=rngs)
        else:
            self.stem = _conv(architecture.latent_size, self.width, rngs)
        layers: list[Any] = []
        for width, following in zip(widths, (*widths[1:], None), strict=True):
            layers += _blocks(width, architecture, rngs)
            if following is not None:
                # Convolve before enlarging: the same receptive field at a quarter of the cost.
                layers += [_conv(width, following, rngs), _double]
        self.path = nnx.List(layers)
        self.norm = _norm(widths[-1], rngs)
        self.head = _conv(widths[-1], 3, rngs)

    def __call__(self, z: jax.Array, rngs: nnx.Rngs | None = None) -> jax.Array:
        x = self.stem(z)
        if self.dense:
            x = x.reshape(x.shape[0], self.side, self.side, self.width)
        x = _follow(self.path, x, rngs)
        return nnx.sigmoid(self.head(elu(self.norm(x))))


class VAE(nnx.Module):
    """Encoder q(z|x), decoder p(x|z) and the map x -> decode(mean of q(z|x))."""

    def __init__(self, architecture: Architecture, *, rngs: nnx.Rngs):
        self.encoder = Encoder(architecture, rngs=rngs)
        self.decoder = Decoder(architecture, rngs=rngs)

    def __call__(self, x: jax.Array, rngs: nnx.Rngs | None = None) -> jax.Array:
        return self.decoder(self.encoder(x, rngs)[0], rngs)


@dataclass(frozen=True)
class TrainedVAE:
    """A network's architecture and state, as plain data that functions can close over.

    `params` and `batch_stats` are nested dictionaries of arrays. Each method returns the same
    function every time, so that what is compiled for it serves again.
    """

    architecture: Architecture
    params: dict
    batch_stats: dict

    def reconstruct(self) -> Callable[[dict, jax.Array], jax.Array]:
        """Return apply(params, images): x -> decode(mu(x)), batch statistics frozen.

        images (n, H, W, 3) in [0, 1] to reconstructions of the same shape. It is the function
        whose Jacobian SLUG is about: deterministic, since it decodes the latent mean.
        """
        return self._functions["reconstruct"]

    def encode(self) -> Callable[[dict, jax.Array], tuple[jax.Array, jax.Array]]:
        """Return apply(params, images): the mean and the standard deviation of q(z|x)."""
        return self._functions["encode"]

    def decode(self) -> Callable[[dict, jax.Array], jax.Array]:
        """Return apply(params, latents): the mean of p(x|z)."""
        return self._functions["decode"]

    def reconstruct_at_random(self) -> Callable[[dict, jax.Array, jax.Array], jax.Array]:
        """Return apply(params, images, key): x -> decode(mu(x)) with dropout switched on."""
        return self._functions["reconstruct_at_random"]

    @functools.cached_property
    def _functions(self) -> dict[str, Callable]:
        graph, batch_stats = _structure(self.architecture)[0], self.batch_stats

        def reconstruct(params: dict, images: jax.Array) -> jax.Array:
            return _merge(graph, params, batch_stats)(images)

        def encode(params: dict, images: jax.Array) -> tuple[jax.Array, jax.Array]:
            mean, log_variance = _merge(graph, params, batch_stats).encoder(images)
            return mean, jnp.exp(0.5 * log_variance)

        def decode(params: dict, latents: jax.Array) -> jax.Array:
            return _merge(graph, params, batch_stats).decoder(latents)

        def reconstruct_at_random(params: dict, images: jax.Array, key: jax.Array) -> jax.Array:
            model = _merge(graph, params, batch_stats)
            model.set_attributes(nnx.Dropout, deterministic=False)
            return model(images, nnx.Rngs(dropout=key))

        return {
            function.__name__: function
            for function in (reconstruct, encode, decode, reconstruct_at_random)
        }


def initialise(architecture: Architecture, seed: int) -> TrainedVAE:
    """Return an untrained network: LeCun-normal kernels, zero biases, unit scales.

    The weights depend on `architecture` and `seed` alone. They are drawn by numpy, since
    compiling jax's generator for some forty shapes takes ten seconds on a CPU.
    """
    _, params, batch_stats = _structure(architecture)
    random = np.random.default_rng(seed)

    def fill(path: tuple, shape: jax.ShapeDtypeStruct) -> jax.Array:
        match path[-1].key:
            case "kernel":
                fan_in = np.prod(shape.shape[:-1])
                values = random.standard_normal(shape.shape) / np.sqrt(fan_in)
            case "scale" | "var":
                values = np.ones(shape.shape)
            case _:
                values = np.zeros(shape.shape)
        return jnp.asarray(values, shape.dtype)

    return TrainedVAE(
        architecture,
        jax.tree_util.tree_map_with_path(fill, params),
        jax.tree_util.tree_map_with_path(fill, batch_stats),
    )


def training_forward(
    architecture: Architecture,
) -> Callable[[dict, dict, jax.Array, jax.Array], tuple[jax.Array, jax.Array, dict]]:
    """Return forward(params, batch_stats, images, key), the network in training mode.

    It gives the reconstructions (n, H, W, 3) from a latent sampled with the reparameterisation
    z = mu + sigma * epsilon, epsilon ~ N(0, I) (section 3.1), the Kullback-Leibler divergence of
    each image in nats (n,), and the updated batch statistics.
    """
    graph, *_ = _structure(architecture)

    def forward(params: dict, batch_stats: dict, images: jax.Array, key: jax.Array):
        model = _merge(graph, params, batch_stats)
        model.train()
        rngs = nnx.Rngs(dropout=jax.random.fold_in(key, 0)) if architecture.dropout else None
        mean, log_variance = model.encoder(images, rngs)
        noise = jax.random.normal(key, mean.shape, mean.dtype)
        reconstructions = model.decoder(mean + jnp.exp(0.5 * log_variance) * noise, rngs)
        updated = nnx.to_pure_dict(nnx.state(model, nnx.BatchStat))
        in_nats = divergence(mean, jnp.exp(log_variance), log_variance)
        return reconstructions, in_nats.reshape(len(mean), -1).sum(axis=1), updated

    return forward


def num_parameters(params: Any) -> int:
    """Return p, the number of entries of a pytree of parameters."""
    return sum(leaf.size for leaf in jax.tree.leaves(params))


def as_dictionary(architecture: Architecture) -> dict:
    """Return the architecture as plain numbers and lists, for configuration files."""
    return {**asdict(architecture), "widths": list(architecture.widths)}


# Kept: tracing a network costs half a second.
@functools.cache
def _structure(architecture: Architecture) -> tuple[Any, dict, dict]:
    """Return the network's graph, and the shapes of its parameters and batch statistics."""
    # eval_shape: the structure is needed, not another set of random weights.
    model = nnx.eval_shape(lambda: VAE(architecture, rngs=nnx.Rngs(0)))
    params, batch_stats = nnx.state(model, nnx.Param, nnx.BatchStat)
    return nnx.graphdef(model), nnx.to_pure_dict(params), nnx.to_pure_dict(batch_stats)


def _merge(graph: Any, params: dict, batch_stats: dict) -> VAE:
    model = nnx.merge(graph, nnx.State(params), nnx.State(batch_stats))
    model.eval()
    return model


def _blocks(width: int, architecture: Architecture, rngs: nnx.Rngs) -> list[ResidualBlock]:
    return [
        ResidualBlock(width, architecture.dropout, rngs=rngs) for _ in range(architecture.blocks)
    ]


def _follow(path: nnx.List, x: jax.Array, rngs: nnx.Rngs | None) -> jax.Array:
    for layer in path:
        x = layer(x, rngs) if isinstance(layer, ResidualBlock) else layer(x)
    return x


def _norm(width: int, rngs: nnx.Rngs) -> nnx.BatchNorm:
    # Short trainings have few steps: flax's default momentum of 0.99 would leave the running
    # statistics near their initial values.
    return nnx.BatchNorm(width, momentum=0.9, rngs=rngs)


def _conv(inputs: int, outputs: int, rngs: nnx.Rngs, strides: int = 1) -> nnx.Conv:
    return nnx.Conv(
        inputs,
        outputs,
        (3, 3),
        strides=strides,
        padding="SAME",
        rngs=rngs,
        conv_general_dilated=convolution,
    )


def _double(x: jax.Array) -> jax.Array:
    # Nearest-neighbour enlargement as a broadcast, which is cheaper than jax.image.resize.
    n, height, width, channels = x.shape
    wide = jnp.broadcast_to(x[:, :, None, :, None, :], (n, height, 2, width, 2, channels))
    return wide.reshape(n, 2 * height, 2 * width, channels)
