"""How fit, scores and maps scale from one device to two, each count in a process of its own.

    python benchmarks/devices.py --profile quick

takes the profile's network, untrained, and generated images. On a CPU the devices are forced host
devices, each given one core, so that two of them can be no faster than two cores; with as many
graphics cards it takes those. Writes benchmarks/results/devices.json.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np

from companion.pipeline.provenance import commit, hardware, versions
from companion.profiles import load_profile
from slugkit import slug
from slugkit.data.synthesis.synthetic import generate
from slugkit.files import atomic_path
from slugkit.model.vae import initialise

RESULTS = Path(__file__).parent / "results"
KEY = jax.random.key(0)
PRODUCTS = 10


def seconds(function: Callable[[], object]) -> float:
    """Return the shortest of three times, after a call that compiles."""
    function()
    times = []
    for _ in range(3):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def measure(name: str, images: int) -> dict[str, float]:
    """Time a fit of rank 5 and scores with maps, on all visible devices."""
    profile = load_profile(name)
    model = initialise(profile.architecture(), seed=0)
    drawn = generate(np.resize([1, 2, 3, 4, 5, 6], images), profile.data.image_size, 0)
    apply, size = model.reconstruct(), profile.curvature.batch_size

    def fit() -> slug.Posterior:
        return slug.fit(
            apply,
            model.params,
            drawn,
            rank=5,
            key=KEY,
            batch_size=size,
            solver=slug.Lanczos(max_products=PRODUCTS),
        )

    posterior = fit()
    return {
        "devices": len(jax.devices()),
        "fit_seconds": seconds(fit),
        "score_and_map_seconds": seconds(
            lambda: slug.score_and_variance(
                posterior, drawn, num_samples=PRODUCTS, key=KEY, batch_size=size
            )
        ),
    }


def run(profile: str, images: int, devices: int) -> dict[str, float]:
    """Measure in a process that sees so many devices."""
    everything = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(everything)[:devices])  # which a child inherits
    done = subprocess.run(
        [sys.executable, __file__, "--profile", profile, "--images", str(images), "--measure"],
        env={
            **os.environ,
            "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
            "CUDA_VISIBLE_DEVICES": ",".join(map(str, range(devices))),
            "NPROC": "1",
        },
        text=True,
        capture_output=True,
    )
    os.sched_setaffinity(0, everything)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure with one and with two devices, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--images", type=int, default=128)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.profile, options.images)))
        return
    one, two = (run(options.profile, options.images, devices) for devices in (1, 2))
    result = {
        "profile": options.profile,
        "images": options.images,
        "one": one,
        "two": two,
        # 2 would be perfect.
        "faster": {
            name: one[name] / two[name] for name in ("fit_seconds", "score_and_map_seconds")
        },
        "commit": commit(),
        "hardware": hardware(),
        "packages": versions(),
    }
    print(json.dumps(result, indent=1))
    with atomic_path(RESULTS / "devices.json") as partial:
        partial.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
