"""The score of a network of many parameters, with a sketched basis, to a known error.

    python benchmarks/large.py --widths 512 1024 2048

needs nothing, and writes benchmarks/results/large.json: an untrained network on generated images,
the time of the fit and of the score, the largest memory of the process, and the stated error.
"""

import argparse
import json
import resource
import time
from pathlib import Path

import jax
import numpy as np

from companion.pipeline.provenance import commit, hardware, versions
from slugkit import slug
from slugkit.data.synthesis.synthetic import generate
from slugkit.files import atomic_path
from slugkit.model.vae import Architecture, initialise
from slugkit.progress import Progress

RESULTS = Path(__file__).parent / "results"
KEY = jax.random.key(0)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--widths", type=int, nargs="+", default=[512, 1024, 2048])
    parser.add_argument("--image-size", type=int, default=16)
    parser.add_argument("--train-images", type=int, default=4)
    parser.add_argument("--rank", type=int, default=10)
    parser.add_argument("--samples", type=int, default=8)
    options = parser.parse_args()
    side = options.image_size
    model = initialise(Architecture(side, tuple(options.widths), "spatial", 16, 0.01), seed=0)
    images = generate(np.resize([1, 2, 3, 4, 5, 6], options.train_images + 2), side, 0)
    begin = time.perf_counter()
    posterior = slug.fit(
        model.reconstruct(),
        model.params,
        images[2:],
        rank=options.rank,
        key=KEY,
        batch_size=1,
        solver=slug.RangeFinder(sketch="srft"),
        progress=Progress("range finder"),
    )
    assert isinstance(posterior, slug.SketchedPosterior)
    fitted = time.perf_counter()
    score = slug.score(posterior, images[:2], num_samples=options.samples, key=KEY)
    result = {
        "parameters": posterior.parameters.size,
        "image_size": side,
        "train_images": options.train_images,
        "rank": posterior.rank,
        "sketch_size": posterior.sketched.sketch.size,
        "samples": options.samples,
        "seconds_of_fit": fitted - begin,
        "seconds_of_score_per_image": (time.perf_counter() - fitted) / 2,
        "gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2,
        "scores": score.value.tolist(),
        "relative_standard_error": (score.standard_error / score.value).tolist(),
        "relative_error_of_the_sketch": (posterior.sketched.relative_variance**0.5),
        "commit": commit(),
        "hardware": hardware(),
        "packages": versions(),
    }
    print(json.dumps(result))
    with atomic_path(RESULTS / "large.json") as partial:
        partial.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
