"""How much the perceptual loss weighs beside the likelihood: the ratio of their gradients.

    python benchmarks/perceptual.py --profile quick --runs runs --dataset B --data folder

needs that profile's trained network and the VGG-19 weights under the data root, and writes
benchmarks/results/perceptual-<profile>.json: the norms of both gradients, in the reconstruction
(mean over training images) and in the weights of the network, for a perceptual weight of 1. The
gradient is linear in that weight, so "weight_that_acts" makes one a tenth of the other.
"""

import argparse
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from companion.pipeline.provenance import commit, versions
from companion.profiles import load_profile
from slugkit.files import atomic_path
from slugkit.model import perceptual, training

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--dataset", default="B")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--images", type=int, default=24)
    options = parser.parse_args()
    profile = load_profile(options.profile)
    folder = options.runs / options.profile / "seed0"
    model = training.load_model(folder / options.dataset / "model.msgpack", profile.architecture())
    images = np.load(folder / "data" / f"train_{options.dataset}.npy")[: options.images]
    weights = perceptual.find_weights(options.data)
    assert weights is not None, f"no VGG-19 weights under {options.data}"
    loss = perceptual.perceptual_loss(perceptual.features(perceptual.load_weights(weights)), 1.0)
    variance = profile.model.likelihood_variance

    def likelihood(shown: jax.Array, made: jax.Array) -> jax.Array:
        return jnp.sum((shown - made) ** 2, axis=(1, 2, 3)) / (2 * variance)

    reconstruct, shown = model.reconstruct(), jnp.asarray(images)
    made = reconstruct(model.params, shown)
    found = {}
    for name, one in (("likelihood", likelihood), ("perceptual", loss)):
        in_image = jax.grad(lambda made, one=one: jnp.sum(one(shown, made)))(made)
        in_weights = jax.grad(
            lambda params, one=one: jnp.mean(one(shown, reconstruct(params, shown)))
        )(model.params)
        found[name] = {
            "in_reconstruction": float(
                jnp.linalg.norm(in_image.reshape(len(images), -1), axis=1).mean()
            ),
            "in_weights": float(
                np.sqrt(sum(float(jnp.sum(leaf**2)) for leaf in jax.tree.leaves(in_weights)))
            ),
        }
    ratios = {
        where: found["perceptual"][where] / found["likelihood"][where]
        for where in ("in_reconstruction", "in_weights")
    }
    content = {
        **commit(),
        "packages": versions(),
        "profile": profile.name,
        "likelihood_variance": variance,
        "vgg": weights.name,
        "gradients": found,
        "ratio_at_weight_1": ratios,
        "weight_that_acts": {where: 0.1 / ratio for where, ratio in ratios.items()},
    }
    print(json.dumps(content, indent=1))
    with atomic_path(RESULTS / f"perceptual-{profile.name}.json") as partial:
        partial.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
