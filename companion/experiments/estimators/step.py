"""Compare the estimators on the first trained network, at several sizes of image."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jax
import pandas as pd

from companion.experiments.data.pools import at_size, one_of_each_tone
from companion.experiments.estimators.measure import map_errors, measure
from companion.experiments.estimators.settings import Estimators
from companion.statistics.summaries import GROUPS
from slugkit import slug
from slugkit.estimators.bekas import Bekas
from slugkit.estimators.hutchinson import Hutchinson
from slugkit.model import training
from slugkit.model.vae import TrainedVAE
from slugkit.progress import Progress

if TYPE_CHECKING:
    from companion.pipeline.jobs import Job

# Images are large at some of the sizes, and their activations are kept.
BATCH_SIZE = 8
# Relative errors.
WANTED = 0.05  # of a score
WANTED_OF_A_MAP = 0.1


def run(job: "Job", facts: dict[str, Any]) -> None:
    """Write estimators.csv, see `measure`, and samples.csv, what the paper's estimators need."""
    settings = job.profile.experiment(Estimators)
    model = training.load_model(job.file("model.msgpack"), job.profile.architecture())
    tests = one_of_each_tone(job.read_table("data/test.csv"))
    tables = []
    for size, most in settings.most_products.items():
        measured = measure(
            _posterior_at(size, job, model),
            at_size(tests[: settings.images], size),
            score_budgets=[budget for budget in settings.score_budgets if budget <= most],
            map_budgets=[budget for budget in settings.map_budgets if budget <= most],
            score_repeats=settings.score_repeats,
            reference_outputs=settings.reference_outputs,
            reference_products=settings.reference_products,
            key=jax.random.fold_in(jax.random.key(job.seed), size),
            progress=Progress(f"estimators at {size} pixels: estimate"),
        )
        tables.append(measured)
    job.save_table("estimators.csv", pd.concat(tables, ignore_index=True))
    job.save_table("samples.csv", _needed(job, model))


def _posterior_at(size: int, job: "Job", model: TrainedVAE) -> slug.Posterior:
    """Return the network's own posterior, or one fitted to images of another size.

    The network is made of convolutions, so its parameters serve at any size.
    """
    profile = job.profile
    if size == profile.data.image_size:
        posterior = slug.load(job.file("posterior.npz"), model.reconstruct(), model.params)
        assert isinstance(posterior, slug.Posterior)
        return posterior
    resized = replace(model, architecture=replace(model.architecture, image_size=size))
    train = job.read_table("data/train.csv")
    rows = train[train["dataset"] == job.dataset].sample(
        profile.experiment(Estimators).train_images, random_state=job.seed
    )
    posterior = slug.fit(
        resized.reconstruct(),
        resized.params,
        at_size(rows, size),
        rank=profile.curvature.rank,
        solver=slug.Lanczos(
            tolerance=profile.curvature.tolerance, max_products=profile.curvature.max_products
        ),
        batch_size=BATCH_SIZE,
        key=jax.random.key(job.seed),
        progress=Progress(f"estimators at {size} pixels: product"),
    )
    assert isinstance(posterior, slug.Posterior)
    return posterior


def _needed(job: "Job", model: TrainedVAE) -> pd.DataFrame:
    """Return what the paper's estimators need by image: samples for a score, products for a map.

    The error of a mean of independent probes falls with the root of their number, so that of few
    tells how many are needed: `samples_needed` for a score with 5 % error, `products_needed` for a
    map with 10 %, found by its error at outputs drawn at random.
    """
    settings = job.profile.experiment(Estimators)
    score_key, map_key, outputs_key = jax.random.split(jax.random.key(job.seed), 3)
    tests = job.read_table("data/test.csv")
    skin = tests[tests["set"].isin(GROUPS)].groupby("set").head(settings.spread_images)
    images = job.read_images("data/test.npy", "data/test.csv")[skin["image_id"]]
    posterior = slug.load(job.file("posterior.npz"), model.reconstruct(), model.params)
    assert isinstance(posterior, slug.Posterior)
    score = slug.score(
        posterior,
        images,
        num_samples=settings.spread_samples,
        key=score_key,
        estimator=Hutchinson(),
        progress=Progress("estimators: image"),
    )
    relative = score.standard_error / score.value
    made = slug.pixel_variance(
        posterior, images, num_samples=min(settings.map_budgets), key=map_key, estimator=Bekas()
    )
    errors = map_errors(
        posterior,
        images,
        made.value,
        outputs=settings.reference_outputs,
        key=outputs_key,
        progress=Progress("estimators: map"),
    )
    return skin[["image_id", "source", "group", "set"]].assign(
        outputs=images[0].size,
        relative_error=relative,
        samples_needed=settings.spread_samples * (relative / WANTED) ** 2,
        map_error=errors,
        products_needed=made.num_products * (errors / WANTED_OF_A_MAP) ** 2,
    )
