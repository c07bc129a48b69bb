"""Score many images from disk in constant memory: the time per image and the memory.

    python benchmarks/streaming.py --images 100000

writes synthetic images of 16 pixels to a file, scores them chunk by chunk with a small untrained
network, and writes benchmarks/results/streaming.json: seconds per image and memory after each
tenth of the images.
"""

import argparse
import itertools
import json
import tempfile
import time
from pathlib import Path

import jax
import numpy as np

from companion.pipeline.provenance import commit, hardware, versions
from slugkit import slug
from slugkit.data.synthesis.synthetic import generate
from slugkit.files import atomic_path
from slugkit.model.vae import Architecture, initialise
from slugkit.streaming import score_stream

RESULTS = Path(__file__).parent / "results"
KEY = jax.random.key(0)
SIDE = 16
DRAWN_AT_ONCE = 2000


def write_images(path: Path, count: int) -> None:
    """Write generated skin to a .npy file, without ever holding all of it."""
    images = np.lib.format.open_memmap(path, "w+", np.float32, (count, SIDE, SIDE, 3))
    for start in range(0, count, DRAWN_AT_ONCE):
        size = min(DRAWN_AT_ONCE, count - start)
        images[start : start + size] = generate(np.resize([1, 2, 3, 4, 5, 6], size), SIDE, start)
    images.flush()


def held_megabytes() -> float:
    """Return the memory of this process without the pages of the file, which can be dropped."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(x.split()[1]) / 1024 for x in lines if x.startswith("RssAnon"))


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--samples", type=int, default=10)
    options = parser.parse_args()
    model = initialise(Architecture(SIDE, (6, 8), "spatial", 4, 0.01), seed=0)
    tenths: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        write_images(Path(folder) / "images.npy", options.images)
        images = np.load(Path(folder) / "images.npy", mmap_mode="r")
        posterior = slug.fit(
            model.reconstruct(), model.params, np.asarray(images[:64]), rank=8, key=KEY
        )
        start = time.perf_counter()

        def note(done: int, total: int, message: str) -> None:
            if done * 10 // total > len(tenths):
                tenths.append(
                    {
                        "images": done,
                        "seconds": time.perf_counter() - start,
                        "memory_megabytes": round(held_megabytes()),
                    }
                )
                print(tenths[-1], flush=True)

        score_stream(
            posterior,
            images,
            Path(folder) / "scores.csv",
            num_samples=options.samples,
            key=KEY,
            batch_size=256,
            progress=note,
        )
    # The first tenth holds the compilation.
    spans = list(itertools.pairwise(tenths))
    costs = [(b["seconds"] - a["seconds"]) / (b["images"] - a["images"]) for a, b in spans]
    result = {
        "images": options.images,
        "image_size": SIDE,
        "samples": options.samples,
        "parameters": posterior.parameters.size,
        "tenths": tenths,
        "milliseconds_per_image": [1000 * cost for cost in costs],
        "memory_of_last_over_first_tenth": tenths[-1]["memory_megabytes"]
        / tenths[0]["memory_megabytes"],
        "commit": commit(),
        "hardware": hardware(),
        "packages": versions(),
    }
    with atomic_path(RESULTS / "streaming.json") as partial:
        partial.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
