"""Images per second of a whole training, over those of its bare optimiser step.

    python benchmarks/training.py --image-size 128 --batch-size 8

trains the network of the paper's profile on generated images with all that belongs to it
(shuffling, copying to the device, logging, checkpoints), and the compiled optimiser step alone on
one batch that lies on the device already. Writes benchmarks/results/training.json.
"""

import argparse
import contextlib
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from companion.pipeline.provenance import commit, hardware, versions
from companion.profiles import load_profile
from slugkit.data.synthesis.synthetic import generate
from slugkit.errors import InputError
from slugkit.files import atomic_path
from slugkit.model import training
from slugkit.model.training import Schedule
from slugkit.model.vae import Architecture, initialise
from slugkit.progress import Progress

RESULTS = Path(__file__).parent / "results"


def whole(architecture: Architecture, images: np.ndarray, schedule: Schedule) -> list[float]:
    """Return the seconds of each epoch after the first, which compiles."""
    ticks = []
    report = Progress("epoch")

    def tick(done: int, total: int, message: str) -> None:
        ticks.append(time.perf_counter())
        report(done, total, message)

    # After so few epochs the decoder may have collapsed, which does not matter here.
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(InputError):
        checkpoint = Path(folder) / "checkpoint.msgpack"
        training.train(architecture, images, schedule, seed=0, checkpoint=checkpoint, progress=tick)
    return [float(span) for span in np.diff(ticks)]


class BareStep:
    """The compiled step alone, on one batch."""

    def __init__(self, architecture: Architecture, images: np.ndarray, schedule: Schedule):
        model = initialise(architecture, seed=0)
        optimiser, self.step = training.make_step(
            architecture, schedule.learning_rate, schedule.epochs
        )
        self.state = (model.params, model.batch_stats, optimiser.init(model.params))
        self.batch, self.key = jnp.asarray(images[: schedule.batch_size]), jax.random.key(0)

    def seconds(self, steps: int) -> float:
        """Return the seconds of so many steps."""
        start = time.perf_counter()
        for _ in range(steps):
            *self.state, loss = self.step(*self.state, self.batch, self.key)
        jax.block_until_ready((self.state, loss))
        return time.perf_counter() - start


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--batches", type=int, default=8, help="in an epoch")
    parser.add_argument("--epochs", type=int, default=4)
    options = parser.parse_args()
    profile = load_profile("paper")
    architecture = replace(profile.architecture(), image_size=options.image_size)
    schedule = Schedule(
        options.epochs + 1, options.batch_size, profile.training.learning_rate, checkpoint_every=1
    )
    count = options.batches * options.batch_size
    images = generate(np.resize([1, 2, 3, 4, 5, 6], count), options.image_size, seed=0)
    bare = BareStep(architecture, images, schedule)
    bare.seconds(1)
    # Before and after, as the speed of a machine drifts.
    alone = [bare.seconds(options.batches)]
    epochs = whole(architecture, images, schedule)
    alone.append(bare.seconds(options.batches))
    result = {
        "image_size": options.image_size,
        "batch_size": options.batch_size,
        "checkpoint_every_epochs": 1,
        "images_per_second": count / float(np.median(epochs)),
        "images_per_second_of_bare_steps": count / float(np.mean(alone)),
        "share": float(np.mean(alone) / np.median(epochs)),
        "seconds_of_epochs": epochs,
        "seconds_of_bare_epochs": alone,
        "commit": commit(),
        "hardware": {**hardware(), "device": jax.devices()[0].device_kind},
        "packages": versions(),
    }
    print(json.dumps(result, indent=1))
    with atomic_path(RESULTS / "training.json") as partial:
        partial.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
