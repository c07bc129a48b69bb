"""Overlay foreign objects on held-out images and measure how well they are found."""

from typing import TYPE_CHECKING, Any

import jax

from companion.experiments.data.pools import OBJECT_POOL, OBJECT_SKIN_TYPE
from companion.experiments.objects.lesions import measure as measure_lesions
from companion.experiments.objects.measure import measure
from companion.experiments.objects.observer import observer
from companion.experiments.objects.settings import ForeignObjects
from companion.paths import data_root
from slugkit import slug
from slugkit.data.lesion_images import Lesions, outlined_lesions, synthetic_lesions
from slugkit.model import training
from slugkit.progress import Progress

if TYPE_CHECKING:
    from companion.pipeline.jobs import Job


def run(job: "Job", facts: dict[str, Any]) -> None:
    """Write objects.csv and lesions.csv; without known lesions, the second has no rows.

    See `measure` and `lesions.measure`.
    """
    profile, settings = job.profile, job.profile.experiment(ForeignObjects)
    tests = job.read_table("data/test.csv")
    chosen = tests[tests["set"] == "clean"].head(settings.images)
    model = training.load_model(job.file("model.msgpack"), profile.architecture())
    observe = observer(
        model,
        slug.load(job.file("posterior.npz"), model.reconstruct(), model.params),
        num_samples=settings.num_samples,
        key=jax.random.key(job.seed),
        batch_size=profile.scores.batch_size,
    )
    measured = measure(
        observe,
        job.read_images("data/test.npy", "data/test.csv")[chosen["image_id"]],
        list(chosen["image_id"]),
        kinds=settings.kinds,
        scales=settings.scales,
        contrasts=settings.contrasts,
        seed=job.seed,
        progress=Progress(f"objects, seed {job.seed}: setting"),
    )
    sources = chosen[["image_id", "source"]]
    job.save_table("objects.csv", measured.merge(sources, on="image_id"))
    identifiers, images, masks = _with_lesions(job, settings.lesions)
    facts["images_with_lesions"] = len(identifiers)
    beside = measure_lesions(
        observe,
        images,
        masks,
        identifiers,
        kinds=settings.kinds if identifiers else (),
        seed=job.seed,
        progress=Progress(f"lesions, seed {job.seed}: kind"),
    )
    job.save_table("lesions.csv", beside.assign(source=profile.data.objects.source))


def _with_lesions(job: "Job", count: int) -> Lesions:
    size, source = job.profile.data.image_size, job.profile.data.objects.source
    if source == "isic2017":
        return outlined_lesions(data_root(), count, size, job.seed)
    # The generator's images that objects are laid over; other data sets have no outlines here.
    if source != "synthetic":
        count = 0
    return synthetic_lesions(count, size, OBJECT_POOL, OBJECT_SKIN_TYPE)
