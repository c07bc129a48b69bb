"""SLUG of each layer, against the dense Jacobian."""

import jax
import numpy as np

from companion.experiments.layers.step import layer_masks
from slugkit.model.architecture import Architecture
from slugkit.model.vae import initialise
from slugkit.operators.parameters import flatten


def test_every_parameter_belongs_to_one_layer():
    model = initialise(Architecture(16, (4, 6), "spatial", 2, 0.01), seed=0)
    parameters = flatten(model.params)
    masks = layer_masks(parameters)
    assert np.sum(list(masks.values()), axis=0).tolist() == [1] * parameters.size
    assert {"decoder/stem", "decoder/head", "encoder/head"} <= set(masks)
    assert any(name.startswith("decoder/path/") for name in masks)


def test_the_first_layers_part_of_the_jacobian_norm_is_the_latent_norm_times_what_it_moves():
    """With a dense latent: J in the weights W of h = W z + b is (dy/dh) z^T."""
    model = initialise(Architecture(16, (4,), "dense", 3, 0.01), seed=0)
    parameters, apply = flatten(model.params), model.decode()
    mask = layer_masks(parameters)["decoder/stem"]
    latents = np.random.default_rng(0).normal(size=(1, 3)).astype(np.float32)

    def norm_of(latent):
        def decode(vector):
            return apply(parameters.to_tree(vector, parameters.fixed), latent).ravel()

        jacobian = np.asarray(jax.jacobian(decode)(parameters.vector))[:, mask]
        return float(np.sum(jacobian**2))

    # The bias adds as much as a latent of norm 1 would.
    weights = [name for name in parameters.names if name.startswith("decoder/stem")]
    assert len(weights) == 2
    whole, squared = norm_of(latents), float(np.sum(latents**2))
    assert whole > 0
    bias_only = whole / (1 + squared)

    def bias_norm():
        start, sizes = 0, []
        for place in parameters.selected:
            name, shape = parameters.names[place], parameters.layout.shapes[place]
            size = int(np.prod(shape))
            sizes.append((name, start, start + size))
            start += size
        _, low, high = next(one for one in sizes if one[0] == "decoder/stem/bias")

        def decode(vector):
            return apply(parameters.to_tree(vector, parameters.fixed), latents).ravel()

        return float(np.sum(np.asarray(jax.jacobian(decode)(parameters.vector))[:, low:high] ** 2))

    np.testing.assert_allclose(bias_norm(), bias_only, rtol=1e-3)
