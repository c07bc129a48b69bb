"""What a fit and a score cost, in time and in memory, as each size grows.

    python benchmarks/cost.py

needs nothing, and writes benchmarks/results/cost.json. Times are those of an untrained network on
generated images, relative to half the size: 2 is exactly linear. Memory is the growth of a fresh
process's peak, beside what it should be: the basis, the activations of one batch, and a few vectors
of size p.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from companion.pipeline.provenance import commit, hardware, versions
from slugkit import slug
from slugkit.data.synthesis.synthetic import generate
from slugkit.files import atomic_path
from slugkit.model.vae import Architecture, initialise
from slugkit.operators.ggn import ggn_product
from slugkit.operators.parameters import flatten
from slugkit.solvers.interface import Solver

RESULTS = Path(__file__).parent / "results" / "cost.json"
KEY = jax.random.key(0)
BYTES = 4  # of a float32
REPEATS = 3
BASE = {"images": 32, "image_size": 32, "width": 16, "rank": 10, "samples": 32}
GROWTH = {
    "images": (32, 64, 128, 256),
    "image_size": (16, 32, 64),
    "width": (8, 16, 32),
    "rank": (5, 10, 20, 40),
    "samples": (16, 32, 64, 128),
}
# A model of two matrices, whose activations are small beside its parameters.
DENSE_INPUTS, DENSE_HIDDEN, DENSE_IMAGES, DENSE_STEPS = 2048, 1024, 32, 30
SKETCH_SIZE = 40_000


def shortest(function) -> float:
    """Return the shortest time of a few calls, after one that compiles."""
    function()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def seconds(images: int, image_size: int, width: int, rank: int, samples: int) -> dict:
    """Time a fit of exactly 2 k products and the maps of all images."""
    widths = (width, 2 * width)
    model = initialise(Architecture(image_size, widths, "spatial", 8, 0.002), 0)
    apply, params = model.reconstruct(), model.params
    pictures = generate(np.resize([1, 2, 3, 4, 5, 6], images), image_size, seed=0)

    def fit():
        return slug.fit(
            apply,
            params,
            pictures,
            rank=rank,
            key=KEY,
            solver=slug.Lanczos(tolerance=1e-9, max_products=2 * rank),
        )

    posterior = fit()
    return {
        "outputs": image_size**2 * 3,
        "parameters": posterior.parameters.size,
        "fit_seconds": shortest(fit),
        "map_seconds": shortest(
            lambda: slug.pixel_variance(posterior, pictures, num_samples=samples, key=KEY)
        ),
    }


def growth() -> dict[str, list[dict]]:
    """Let one size grow at a time, and compare each case with the one before."""
    tables: dict[str, list[dict]] = {}
    for name, values in GROWTH.items():
        tables[name] = []
        for value in values:
            row = {name: value, **seconds(**{**BASE, name: value})}
            if tables[name]:
                before = tables[name][-1]
                for part in ("fit", "map"):
                    row[f"{part}_over_the_one_before"] = (
                        row[f"{part}_seconds"] / before[f"{part}_seconds"]
                    )
            tables[name].append(row)
            print(name, row, flush=True)
    return tables


def dense(params, images):
    """Reconstruct by two matrices and a nonlinearity."""
    return jnp.tanh(images @ params["encode"]) @ params["decode"]


def memory_of(basis: str, steps: int) -> dict[str, float]:
    """Fit in this process, and return how far its peak memory rose, in units of p numbers."""
    random = np.random.default_rng(0)
    shape = DENSE_INPUTS, DENSE_HIDDEN
    params = {
        "encode": jnp.asarray(random.normal(size=shape, scale=0.02), jnp.float32),
        "decode": jnp.asarray(random.normal(size=shape[::-1], scale=0.02), jnp.float32),
    }
    images = random.uniform(size=(DENSE_IMAGES, DENSE_INPUTS)).astype(np.float32)
    # Once with next to nothing, so that compilation and the first batch are not counted.
    slug.fit(dense, params, images, rank=1, key=KEY, solver=slug.Lanczos(1.0, max_products=1))
    parameters = flatten(params)
    ggn_product(dense, parameters, images)(np.asarray(parameters.vector))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sketched = basis == "sketched"
    solver: Solver = slug.Lanczos(tolerance=1e-9, max_products=steps)
    if sketched:
        solver = slug.SketchedLanczos(sketch_size=SKETCH_SIZE)
    slug.fit(dense, params, images, rank=steps, key=KEY, solver=solver)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    kept = steps * (SKETCH_SIZE if sketched else parameters.size)
    unit = parameters.size * BYTES / 1024
    return {
        "basis": basis,
        "steps": steps,
        "parameters": parameters.size,
        "basis_in_vectors_of_size_p": kept / parameters.size,
        "peak_growth_in_vectors_of_size_p": (after - before) / unit,
    }


def memory() -> list[dict[str, float]]:
    """Measure each case in a process of its own."""
    found = []
    for basis in ("full", "sketched"):
        for steps in (DENSE_STEPS // 2, DENSE_STEPS):
            command = [sys.executable, __file__, "--memory", basis, str(steps)]
            done = subprocess.run(command, text=True, stdout=subprocess.PIPE, check=True)
            found.append(json.loads(done.stdout.splitlines()[-1]))
            print(found[-1], flush=True)
    return found


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memory", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory:
        print(json.dumps(memory_of(options.memory[0], int(options.memory[1]))))
        return
    result = {
        "memory": memory(),
        "base": BASE,
        "growth": growth(),
        "commit": commit(),
        "hardware": hardware(),
        "packages": versions(),
    }
    with atomic_path(RESULTS) as partial:
        partial.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
