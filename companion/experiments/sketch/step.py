"""Score a light and a dark image with sketched bases of the first trained network."""

from typing import TYPE_CHECKING, Any

import jax

from companion.experiments.data.pools import at_size, one_of_each_tone
from companion.experiments.sketch.measure import measure
from companion.experiments.sketch.settings import Sketch
from slugkit.model import training
from slugkit.progress import Progress

if TYPE_CHECKING:
    from companion.pipeline.jobs import Job


def run(job: "Job", facts: dict[str, Any]) -> None:
    """Write sketch.csv; see `measure`."""
    settings = job.profile.experiment(Sketch)
    model = training.load_model(job.file("model.msgpack"), job.profile.architecture())
    tests = one_of_each_tone(job.read_table("data/test.csv"))
    measured = measure(
        model.reconstruct(),
        model.params,
        job.read_array("data/train_B.npy")[: settings.train_images],
        at_size(tests, job.profile.data.image_size),
        rank=settings.rank,
        steps=settings.steps,
        shares=settings.shares,
        sketches=settings.sketches,
        num_samples=settings.num_samples,
        batch_size=job.profile.curvature.batch_size,
        key=jax.random.key(job.seed),
        progress=Progress("sketch: basis"),
    )
    job.save_table("sketch.csv", measured)
