"""The paper profile's network on a graphics card: training, curvature, scores and maps, memory.

    python benchmarks/gpu.py                                  # 128 pixels, under 8 minutes
    python benchmarks/gpu.py --image-size 16 --images 32 --scored 16 --samples 4 8 --rank 3 \\
        --products 6 --batch-size 8                           # to try it on a CPU

Each time stands beside that of its bare products: the same compiled function on a batch that lies
on the device, as often as the work needs it. Writes results/paper-scale-<device>.json after each
part, so that a run that is cut short keeps what it has; parts that would start after --minutes are
left out and named.
"""

import argparse
import json
import re
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import spearmanr

from companion.pipeline.provenance import commit, hardware, versions
from companion.profiles import load_profile
from slugkit import slug
from slugkit.data.synthesis.synthetic import generate
from slugkit.files import atomic_path
from slugkit.linalg.random import normals
from slugkit.model import training
from slugkit.model.vae import Architecture, TrainedVAE, initialise
from slugkit.operators.ggn import ggn_product
from slugkit.operators.jacobian import Apply, lineariser, pull, push
from slugkit.operators.parameters import flatten

RESULTS = Path(__file__).parent / "results"
KEY = jax.random.key(0)
REPEATS = 5


def seconds(function: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the median time of several calls, after one that compiles."""
    jax.block_until_ready(function())
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(function())
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def peak_gigabytes() -> float:
    """Return the peak of the device's memory so far, or of this process's on a CPU."""
    stats = jax.devices()[0].memory_stats()
    if stats:
        return stats["peak_bytes_in_use"] / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def halved(model: TrainedVAE) -> Callable[[Any, jax.Array], jax.Array]:
    """Return the network computed in bfloat16, with parameters and outputs in float32."""

    def cast(tree: Any) -> Any:
        return jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), tree)

    apply = TrainedVAE(model.architecture, model.params, cast(model.batch_stats)).reconstruct()

    def in_half(params: Any, images: jax.Array) -> jax.Array:
        return apply(cast(params), cast(images)).astype(jnp.float32)

    return in_half


def at_precision(apply: Apply, name: str) -> Apply:
    """Return the network with its convolutions at one of JAX's precisions for float32."""

    def at(params: Any, images: jax.Array) -> jax.Array:
        with jax.default_matmul_precision(name):
            return apply(params, images)

    return at


class Bench:
    """The network, its images and the measurements so far."""

    def __init__(self, options: argparse.Namespace):
        paper = load_profile("paper")
        architecture: Architecture = replace(paper.architecture(), image_size=options.image_size)
        self.options, self.paper = options, paper
        self.model = initialise(architecture, seed=0)
        count = max(options.images, options.scored, paper.training.batch_size)
        # A few hundred different images are enough to keep the device busy.
        drawn = generate(np.resize([1, 2, 3, 4, 5, 6], min(count, 384)), options.image_size, 0)
        self.images = np.resize(drawn, (count, *drawn.shape[1:]))
        # Without a precision JAX takes TensorFloat-32 (10 bits of mantissa) on a graphics card.
        self.applies = {
            "float32": at_precision(self.model.reconstruct(), "highest"),
            "tensorfloat32": at_precision(self.model.reconstruct(), "tensorfloat32"),
            "bfloat16": halved(self.model),
        }
        self.posteriors: dict[str, slug.Posterior] = {}

    def training_step(self) -> dict[str, Any]:
        """Time the optimiser step on a batch of the paper's size."""
        size = min(self.paper.training.batch_size, self.options.images)
        optimiser, step = training.make_step(self.model.architecture, 1e-3, 1000)
        state = jax.tree.map(jnp.copy, (self.model.params, self.model.batch_stats))
        held = [*state, optimiser.init(state[0])]
        batch = jnp.asarray(self.images[:size])

        def run() -> jax.Array:
            *held[:], loss = step(*held, batch, KEY)
            return loss

        bare = seconds(run)
        steps = max(1, self.options.images // size)
        return {"seconds": bare, "batch_size": size, "epochs_per_hour": 3600 / (bare * steps)}

    def products(self) -> dict[str, Any]:
        """Time the product with G of all images, in each precision."""
        return {name: self._product(apply) for name, apply in self.applies.items()}

    def _product(self, apply: Apply) -> dict[str, float]:
        images = self.images[: self.options.images]
        parameters, size = flatten(self.model.params), self.options.batch_size
        product = ggn_product(apply, parameters, images, batch_size=size)
        vector = np.asarray(parameters.vector)
        linearise = lineariser(apply, parameters)
        batch = jnp.asarray(images[:size])

        @jax.jit
        def bare(batch: jax.Array, vector: jax.Array) -> jax.Array:
            _, jvp = linearise(batch)
            return pull(jvp, push(jvp, vector), len(vector), vector.dtype)

        whole, one = (
            seconds(lambda: product(vector), 3),
            seconds(lambda: bare(batch, parameters.vector)),
        )
        limit = one * len(images) / len(batch)
        return {"seconds": whole, "seconds_of_bare_products": limit, "ratio": whole / limit}

    def lanczos(self) -> dict[str, Any]:
        """Fit the posterior in float32."""
        start = time.perf_counter()
        posterior = slug.fit(
            self.applies["float32"],
            self.model.params,
            self.images[: self.options.images],
            rank=self.options.rank,
            key=KEY,
            batch_size=self.options.batch_size,
            solver=slug.Lanczos(max_products=self.options.products),
        )
        self.posteriors = {
            name: replace(posterior, apply=apply) for name, apply in self.applies.items()
        }
        return {
            "rank": posterior.rank,
            "products": posterior.num_products,
            "converged": posterior.converged,
            "seconds": time.perf_counter() - start,
        }

    def scores(self) -> dict[str, Any]:
        """Time scores and maps, in each precision, and the drawing of their directions."""
        made: dict[str, Any] = {}
        size = self.posteriors["float32"].parameters.size
        made["seconds_to_draw_a_direction"] = (
            seconds(lambda: normals(0, range(16), size, np.float32), 3) / 16
        )
        for name, posterior in self.posteriors.items():
            made[name] = {
                str(samples): self._score(posterior, samples) for samples in self.options.samples
            }
        for name in ("tensorfloat32", "bfloat16"):
            made[f"{name}_against_float32"] = self._difference(name)
        return made

    def _score(self, posterior: slug.Posterior, samples: int) -> dict[str, float]:
        images, size = self.images[: self.options.scored], self.options.batch_size
        one = self._push(posterior, images[:size])

        def both(count: int) -> float:
            start = time.perf_counter()
            slug.score_and_variance(posterior, images, num_samples=count, key=KEY, batch_size=size)
            return time.perf_counter() - start

        both(2)  # compiles
        whole = both(samples)
        limit = one * samples * len(images) / min(size, len(images))
        return {"seconds": whole, "seconds_of_bare_products": limit, "ratio": whole / limit}

    def _push(self, posterior: slug.Posterior, images: np.ndarray) -> float:
        # In a function of its own, which lets go of the activations.
        linearise = lineariser(posterior.apply, posterior.parameters)
        _, jvp = linearise(jnp.asarray(images))
        return seconds(lambda: push(jvp, posterior.parameters.vector))

    def _difference(self, name: str) -> dict[str, float]:
        images, samples = self.images[: self.options.batch_size], min(self.options.samples)
        one, other = (
            slug.score(
                self.posteriors[which],
                images,
                num_samples=samples,
                key=KEY,
                batch_size=self.options.batch_size,
            ).value
            for which in ("float32", name)
        )
        return {
            "largest_relative_difference": float(np.abs(other / one - 1).max()),
            "rank_correlation": float(spearmanr(one, other).statistic),
        }


def main() -> None:
    """Measure part after part, and write after each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--images", type=int, default=1668, help="training images")
    parser.add_argument("--scored", type=int, default=512, help="images to score")
    parser.add_argument("--samples", type=int, nargs="+", default=[100, 500])
    parser.add_argument("--rank", type=int, default=50)
    parser.add_argument("--products", type=int, default=80, help="the most that Lanczos may take")
    parser.add_argument("--batch-size", type=int, default=64, help="of products and scores")
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--cache", type=Path, help="keep compiled functions in this folder")
    options = parser.parse_args()
    if options.cache:
        jax.config.update("jax_compilation_cache_dir", str(options.cache.resolve()))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    start, device = time.monotonic(), jax.devices()[0]
    bench = Bench(options)
    result: dict[str, Any] = {
        "options": {key: str(value) for key, value in vars(options).items()},
        "device": device.device_kind,
        "platform": device.platform,
        "commit": commit(),
        "hardware": hardware(),
        "packages": versions(),
    }
    name = re.sub(r"[^a-z0-9]+", "-", device.device_kind.lower())
    for part in (bench.training_step, bench.products, bench.lanczos, bench.scores):
        if time.monotonic() - start > 60 * options.minutes:
            result[part.__name__] = "not measured: out of time"
            continue
        result[part.__name__] = part()
        result["peak_gigabytes"] = {
            **result.get("peak_gigabytes", {}),
            f"up to {part.__name__}": peak_gigabytes(),
        }
        result["seconds"] = time.monotonic() - start
        print(part.__name__, json.dumps(result[part.__name__], indent=1), flush=True)
        with atomic_path(RESULTS / f"paper-scale-{name}.json") as partial:
            partial.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
