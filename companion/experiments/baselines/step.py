"""Score the test images with every baseline, training the additional networks that some need."""

import json
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
import pandas as pd

from companion.experiments.baselines.settings import Comparisons
from companion.experiments.training.perceptual_weights import perceptual_loss
from companion.statistics.metrics import pixel_auroc, pixel_average_precision
from slugkit import slug
from slugkit.baselines.interface import Comparison, Problem, Retrain, configured
from slugkit.model import training
from slugkit.model.vae import TrainedVAE
from slugkit.progress import Progress

if TYPE_CHECKING:
    from companion.pipeline.jobs import Job

SETS = ("light", "dark", "clean", "object")
COLUMNS = ["image_id", "source", "object", "set"]

# Far from the seeds of the runs, so that no member is another run's network.
SEEDS_APART = 1000


def run(job: "Job", facts: dict[str, Any]) -> None:
    """Write comparisons.csv and costs.csv beside the network of data set B.

    comparisons.csv has one row per test image and baseline: `score` and its `standard_error` where
    it is estimated; `own_error`, the mean squared error of what the baseline itself predicts, where
    that is not the network's reconstruction; and for the images with a drawn object `auroc` and
    `average_precision` of the map against the mask. costs.csv has one row per baseline; see
    `baselines.interface.Cost`. The record holds the seconds that each took; for SLUG those of the
    curvature step count, too.
    """
    profile, settings = job.profile, job.profile.experiment(Comparisons)
    table = job.read_table("data/test.csv")
    table = table[table["set"].isin(SETS)][COLUMNS].assign(seed=job.seed)
    images, masks = (
        job.read_images(f"data/{name}.npy", "data/test.csv")[table["image_id"]]
        for name in ("test", "masks")
    )
    train_images = np.asarray(job.read_array("data/train_B.npy"))
    model = training.load_model(job.file("model.msgpack"), profile.architecture())
    posterior = slug.load(job.file("posterior.npz"), model.reconstruct(), model.params)
    assert isinstance(posterior, slug.Posterior)
    with job.checkpoint("networks") as folder:
        problem = Problem(
            model,
            train_images,
            images,
            jax.random.key(job.seed),
            num_samples=settings.num_samples,
            batch_size=profile.scores.batch_size,
            likelihood_variance=profile.model.likelihood_variance,
            rank=profile.curvature.rank,
            solver=slug.Lanczos(
                tolerance=profile.curvature.tolerance, max_products=profile.curvature.max_products
            ),
            posterior=posterior,
            retrain=_retrain(job, train_images, folder, facts),
        )
        baselines = configured(settings.baselines)
        progress = Progress(f"comparisons, seed {job.seed}: baseline")
        rows, costs, facts["seconds"] = [], [], {}
        for number, (name, baseline) in enumerate(baselines.items(), start=1):
            start = time.monotonic()
            made = baseline.compare(problem)
            facts["seconds"][name] = round(time.monotonic() - start, 2)
            rows.append(_rows(table, made, images, masks).assign(baseline=name))
            costs.append({"baseline": name, **vars(made.cost)})
            progress(number, len(baselines), baseline.title)
        # The fit of SLUG's basis is a step of its own.
        fit = json.loads(job.file("curvature.json").read_text(encoding="utf-8"))["duration_seconds"]
        facts["seconds"]["slug"] = round(facts["seconds"]["slug"] + fit, 2)
        job.save_table("comparisons.csv", pd.concat(rows))
        job.save_table("costs.csv", pd.DataFrame(costs))
        shutil.rmtree(folder, ignore_errors=True)


def _retrain(job: "Job", train_images: np.ndarray, folder: Path, facts: dict[str, Any]) -> Retrain:
    """Return what trains the additional networks, each with a checkpoint in the folder."""
    profile = job.profile
    loss = perceptual_loss(profile.training.perceptual_weight, facts)

    def retrain(*, seed: int = 0, dropout: float = 0.0) -> TrainedVAE:
        return training.train(
            replace(profile.architecture(), dropout=dropout),
            train_images,
            profile.schedule(),
            seed=job.seed + seed * SEEDS_APART,
            perceptual_loss=loss,
            checkpoint=folder / f"{seed}-{dropout:g}.msgpack",
            progress=Progress(f"comparisons, seed {job.seed}, network {seed}, {dropout:g}: epoch"),
        )[0]

    return retrain


def _rows(
    table: pd.DataFrame, made: Comparison, images: np.ndarray, masks: np.ndarray
) -> pd.DataFrame:
    nothing = np.full(len(table), np.nan)
    found = {"auroc": nothing.copy(), "average_precision": nothing.copy()}
    if made.map is not None:
        for place in np.flatnonzero(masks.any(axis=(1, 2))):
            found["auroc"][place] = pixel_auroc(made.map[place], masks[place])
            found["average_precision"][place] = pixel_average_precision(
                made.map[place], masks[place]
            )
    own_error = nothing
    if made.reconstruction is not None:
        own_error = np.mean((made.reconstruction - images) ** 2, axis=(1, 2, 3))
    # float32 keeps what is known and no more digits.
    numbers = {
        "score": made.score,
        "standard_error": nothing if made.standard_error is None else made.standard_error,
        "own_error": own_error,
        **found,
    }
    return table.assign(**{name: np.float32(values) for name, values in numbers.items()})
