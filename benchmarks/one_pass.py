"""Fit 50 directions to many images on disk in one pass: memory, and the time per image.

    python benchmarks/one_pass.py --images 1000 10000

writes synthetic images of 16 pixels to a file, fits a small untrained network to them with the
range finder, each number of images in a process of its own, then in two processes with a half
each, and writes benchmarks/results/one-pass.json. Memory is the largest held by the process itself,
without the pages of the file.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jax
import numpy as np
from streaming import SIDE, held_megabytes, write_images

from companion.pipeline.provenance import commit, hardware, versions
from slugkit import slug
from slugkit.files import atomic_path
from slugkit.model.vae import Architecture, initialise
from slugkit.shards import combine_shards, save_shard

RESULTS = Path(__file__).parent / "results"
KEY = jax.random.key(0)
RANK, BATCH_SIZE = 50, 50


def model():
    """Return the same small network in every process."""
    return initialise(Architecture(SIDE, (6, 8), "spatial", 4, 0.01), seed=0)


def one(path: Path, start: int, stop: int, shard: Path) -> dict[str, float]:
    """Multiply some of the images in this process; return what it took."""
    network, held = model(), [0.0]
    images = np.load(path, mmap_mode="r")[start:stop]
    begin = time.process_time()
    save_shard(
        network.reconstruct(),
        network.params,
        images,
        shard,
        rank=RANK,
        key=KEY,
        batch_size=BATCH_SIZE,
        progress=lambda done, total, message: held.append(held_megabytes()),
    )
    spent = time.process_time() - begin
    return {
        "images": stop - start,
        "megabytes": max(held),
        "milliseconds_per_image": 1e3 * spent / (stop - start),
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        path, start, stop, shard = options.one
        print(json.dumps(one(Path(path), int(start), int(stop), Path(shard))))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        most = max(options.images)
        write_images(folder / "images.npy", most)

        def in_a_process(start: int, stop: int, shard: str) -> dict[str, float]:
            arguments = [folder / "images.npy", start, stop, folder / shard]
            command = [sys.executable, __file__, "--one", *map(str, arguments)]
            made = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            print(made, end="", flush=True)
            return json.loads(made.splitlines()[-1])

        whole = [in_a_process(0, count, f"{count}.npz") for count in sorted(options.images)]
        halves = [
            in_a_process(0, most // 2, "first.npz"),
            in_a_process(most // 2, most, "second.npz"),
        ]
        network = model()
        arguments = network.reconstruct(), network.params
        together = combine_shards([folder / "first.npz", folder / "second.npz"], *arguments)
        alone = combine_shards([folder / f"{most}.npz"], *arguments)
        assert isinstance(together, slug.Posterior)
        assert isinstance(alone, slug.Posterior)
        cosines = np.linalg.svd(together.basis @ alone.basis.T, compute_uv=False)
        result = {
            "rank": RANK,
            "parameters": alone.parameters.size,
            "whole": whole,
            "halves": halves,
            "smallest_cosine_between_the_bases": float(cosines.min()),
            "largest_relative_difference_of_the_eigenvalues": float(
                np.abs(together.eigenvalues / alone.eigenvalues - 1).max()
            ),
            "commit": commit(),
            "hardware": hardware(),
            "packages": versions(),
        }
    with atomic_path(RESULTS / "one-pass.json") as partial:
        partial.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
