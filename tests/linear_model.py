"""A linear autoencoder of images of 2 by 2 pixels, all of whose uncertainties have closed forms.

x_hat = (x E) W with E (12, 3) and W (3, 12), so that the Jacobians are known: z = x E with respect
to W, and the products of x and W with respect to E.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

SHAPE = (2, 2, 3)
D, L = 12, 3
KEY = jax.random.key(3)


@dataclass(frozen=True, eq=False)
class LinearAutoencoder:
    """The model; `rate` is that of a dropout on the pixels."""

    params: dict
    rate: float = 0.0
    standard_deviation: float = 0.5

    def reconstruct(self):
        return _reconstruct

    def encode(self):
        def apply(params, images):
            mean = _encode(params, images)
            return mean, 0 * mean + self.standard_deviation

        return apply

    def decode(self):
        return _decode

    def reconstruct_at_random(self):
        def apply(params, images, key):
            kept = jax.random.bernoulli(key, 1 - self.rate, images.shape)
            return _reconstruct(params, images * kept / (1 - self.rate))

        return apply


def _encode(params, images):
    return images.reshape(len(images), D) @ params["encoder"]["kernel"]


def _decode(params, latents):
    return (latents @ params["decoder"]["head"]["kernel"]).reshape(len(latents), *SHAPE)


def _reconstruct(params, images):
    return _decode(params, _encode(params, images))


def make_model(seed=0, **options):
    random = np.random.default_rng(seed)
    return LinearAutoencoder(
        {
            "encoder": {"kernel": jnp.asarray(random.normal(size=(D, L)) / 3, jnp.float32)},
            "decoder": {"head": {"kernel": jnp.asarray(random.normal(size=(L, D)), jnp.float32)}},
        },
        **options,
    )


def weights(model):
    """Return E and W in float64."""
    return (
        np.asarray(model.params["encoder"]["kernel"], float),
        np.asarray(model.params["decoder"]["head"]["kernel"], float),
    )


def make_images(count, seed=0):
    return np.random.default_rng(seed).random((count, *SHAPE), np.float32)


def flat(images):
    return images.reshape(len(images), -1).astype(float)


def jacobian(model, images):
    """Return the Jacobians (n, D, p) in the order of the flattened parameters, W before E."""
    e, w = weights(model)
    x = flat(images)
    z = x @ e
    to_w = np.einsum("nl,dc->ndlc", z, np.eye(D)).reshape(len(x), D, L * D)
    to_e = np.einsum("ni,ld->ndil", x, w).reshape(len(x), D, D * L)
    return np.concatenate([to_w, to_e], axis=2)


def exact_diagonal(model, images):
    """Return the diagonal of G in the order of the flattened parameters, W before E."""
    return np.sum(jacobian(model, images) ** 2, axis=(0, 1))
