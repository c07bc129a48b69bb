"""Score and map of one image from 32 to 512 pixels: time, memory and error, beside the paper's way.

    python benchmarks/resolution.py --sizes 32 128 512

needs no run, and writes benchmarks/results/resolution.json. The network is the residual one of the
book, not trained; its parameters are as many at every size. Each size runs in a process of its own.
The reference is the exact variance of some outputs drawn at random, by one product for each. Times
are of the processor, without compilation: those of a second call.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import jax
import numpy as np

from companion.pipeline.provenance import commit, hardware, versions
from slugkit import slug
from slugkit.data.synthesis.synthetic import generate
from slugkit.estimators.interface import scaled
from slugkit.files import atomic_path
from slugkit.model.vae import Architecture, initialise
from slugkit.operators.jacobian import Jacobian, lineariser

RESULTS = Path(__file__).parent / "results" / "resolution.json"
KEY = jax.random.key(0)
TRAIN_IMAGES, RANK, PRODUCTS, REFERENCE = 2, 5, 40, 24


def one(size: int) -> dict:
    """Fit, score and map at one size, in this process."""
    model = initialise(Architecture(size, (6, 8), "spatial", 4, 0.01), seed=0)
    images = generate(np.array([1, 5, 3]), size, seed=0)
    train, image = images[:TRAIN_IMAGES], images[TRAIN_IMAGES:]
    start = time.process_time()
    posterior = slug.fit(model.reconstruct(), model.params, train, rank=RANK, key=KEY, batch_size=1)
    fit_seconds = time.process_time() - start

    jacobian = Jacobian(
        lineariser(posterior.apply, posterior.parameters), posterior.parameters, image[0]
    )
    root, chosen = scaled(posterior, jacobian), np.random.default_rng(0)
    chosen = np.sort(chosen.choice(jacobian.size, REFERENCE, replace=False))
    rows = np.zeros((1, jacobian.size), np.float32)
    exact = []
    for position in chosen:
        rows[0, position] = 1
        exact.append(float(np.sum(np.square(root.pull(rows), dtype=np.float64))))
        rows[0, position] = 0
    exact = np.array(exact)

    def measured(function, name):
        options = {"num_samples": PRODUCTS, "key": KEY, "estimator": name}
        function(posterior, image, **options | {"num_samples": 4})  # compiles
        start = time.process_time()
        made = function(posterior, image, **options)
        return made, time.process_time() - start

    found = {}
    for name in ("krylov", "pushforward", "bekas"):
        made, seconds = measured(slug.pixel_variance, name)
        off = made.value.ravel()[chosen] - exact
        found[name] = {
            "seconds": seconds,
            "error": float(np.linalg.norm(off) / np.linalg.norm(exact)),
        }
    for name in ("krylov", "hutchinson"):
        made, seconds = measured(slug.score, name)
        found[f"score by {name}"] = {
            "seconds": seconds,
            "value": float(made.value[0]),
            "error": float(made.standard_error[0] / made.value[0]),  # as stated
        }
    return {
        "outputs": jacobian.size,
        "parameters": posterior.parameters.size,
        "products_of_the_fit": posterior.num_products,
        "fit_seconds": fit_seconds,
        "estimates": found,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[32, 128, 512])
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one(options.one)))
        return
    sizes = {}
    for size in options.sizes:
        command = [sys.executable, __file__, "--one", str(size)]
        run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        print(size, run.stdout, flush=True)
        sizes[size] = json.loads(run.stdout.splitlines()[-1])
    result = {
        "rank": RANK,
        "products": PRODUCTS,
        "reference_outputs": REFERENCE,
        "sizes": sizes,
        "commit": commit(),
        "hardware": hardware(),
        "packages": versions(),
    }
    with atomic_path(RESULTS) as partial:
        partial.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
