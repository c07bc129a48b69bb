"""Score the test images with every comparator, training the further networks that some need."""

import json
import time
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pandas as pd

from companion.config import Profile
from companion.experiments import DATASET
from companion.experiments.training.step import perceptual_loss
from companion.paths import RunPaths
from companion.pipeline.provenance import recorded
from companion.pipeline.tables import load_array, load_table, save_table
from companion.statistics.metrics import pixel_auroc, pixel_average_precision
from slugkit import slug
from slugkit.baselines.interface import Comparison, Problem, Retrain, configured
from slugkit.errors import InputError
from slugkit.model import training
from slugkit.model.vae import TrainedVAE
from slugkit.progress import Progress

SETS = ("light", "dark", "clean", "object")
COLUMNS = ["image_id", "source", "object", "set"]

# Far from the seeds of the runs, so that no member is another run's network.
SEEDS_APART = 1000
CHECKPOINT = "further"


def run(profile: Profile, seed: int) -> None:
    """Write comparisons.csv and costs.csv beside the network of data set B.

    comparisons.csv has one row per test image and comparator: `score` and its `standard_error`
    where it is estimated, and for the images with a drawn object `auroc` and `average_precision` of
    the map against the mask. costs.csv has one row per comparator; see `baselines.interface.Cost`.
    The record comparisons.json holds the seconds that each took; for SLUG those of the curvature
    step count, too.

    Raises
    ------
    InputError
        The profile has no settings for it, or the network has not been trained.
    """
    settings = profile.experiments.comparisons
    if settings is None:
        raise InputError(
            f"profile {profile.name!r} has no experiments.comparisons: copy them from "
            "profiles/quick.yml"
        )
    paths = RunPaths(profile.name)
    data, folder = paths.prepared(seed), paths.trained(DATASET, seed)
    inputs = [data / name for name in (f"train_{DATASET}.npy", "test.npy", "test.csv", "masks.npy")]
    inputs += [folder / "model.msgpack", folder / "posterior.npz"]
    outputs = [folder / "comparisons.csv", folder / "costs.csv"]
    with recorded(
        folder / "comparisons.json",
        profile,
        step="comparisons",
        inputs=inputs,
        outputs=outputs,
        dataset=DATASET,
        seed=seed,
    ) as facts:
        table = load_table(data / "test.csv")
        chosen = np.flatnonzero(table["set"].isin(SETS))
        table = table.iloc[chosen][COLUMNS].assign(seed=seed)
        images, masks = (load_array(data / f"{name}.npy")[chosen] for name in ("test", "masks"))
        train_images = np.asarray(load_array(inputs[0]))
        model = training.load_model(folder / "model.msgpack", profile.architecture())
        posterior = slug.load(folder / "posterior.npz", model.reconstruct(), model.params)
        assert isinstance(posterior, slug.Posterior)
        problem = Problem(
            model,
            train_images,
            images,
            jax.random.key(seed),
            num_samples=settings.num_samples,
            batch_size=profile.scores.batch_size,
            likelihood_variance=profile.model.likelihood_variance,
            rank=profile.curvature.rank,
            solver=slug.Lanczos(
                tolerance=profile.curvature.tolerance, max_products=profile.curvature.max_products
            ),
            posterior=posterior,
            retrain=_retrain(profile, train_images, folder, seed, facts),
        )
        baselines = configured(settings.baselines)
        progress = Progress(f"comparisons, seed {seed}: comparator")
        rows, costs, facts["seconds"] = [], [], {}
        for number, (name, baseline) in enumerate(baselines.items(), start=1):
            start = time.monotonic()
            made = baseline.compare(problem)
            facts["seconds"][name] = round(time.monotonic() - start, 2)
            rows.append(_rows(table, made, masks).assign(comparator=name))
            costs.append({"comparator": name, **vars(made.cost)})
            progress(number, len(baselines), baseline.title)
        # The fit of SLUG's basis is a step of its own.
        fit = json.loads((folder / "curvature.json").read_text())["duration_seconds"]
        facts["seconds"]["slug"] = round(facts["seconds"]["slug"] + fit, 2)
        save_table(outputs[0], pd.concat(rows))
        save_table(outputs[1], pd.DataFrame(costs))
    for checkpoint in folder.glob(f"{CHECKPOINT}-*.msgpack"):
        checkpoint.unlink(missing_ok=True)


def _retrain(
    profile: Profile, train_images: np.ndarray, folder: Path, seed: int, facts: dict
) -> Retrain:
    """Return what trains the further networks, each with a checkpoint in the folder."""
    loss = perceptual_loss(profile.training.perceptual_weight, facts)
    digest = profile.digest("data", "model", "training", "experiments")

    first = seed

    def retrain(*, seed: int = 0, dropout: float = 0.0) -> TrainedVAE:
        return training.train(
            replace(profile.architecture(), dropout=dropout),
            train_images,
            profile.schedule(),
            seed=first + seed * SEEDS_APART,
            perceptual_loss=loss,
            checkpoint=folder / f"{CHECKPOINT}-{seed}-{dropout:g}-{digest}.msgpack",
            progress=Progress(f"comparisons, seed {first}, network {seed}, {dropout:g}: epoch"),
        )[0]

    return retrain


def _rows(table: pd.DataFrame, made: Comparison, masks: np.ndarray) -> pd.DataFrame:
    nothing = np.full(len(table), np.nan)
    found = {"auroc": nothing.copy(), "average_precision": nothing.copy()}
    if made.map is not None:
        for place in np.flatnonzero(masks.any(axis=(1, 2))):
            found["auroc"][place] = pixel_auroc(made.map[place], masks[place])
            found["average_precision"][place] = pixel_average_precision(
                made.map[place], masks[place]
            )
    # float32 keeps what is known and no more digits.
    numbers = {
        "score": made.score,
        "standard_error": nothing if made.standard_error is None else made.standard_error,
        **found,
    }
    return table.assign(**{name: np.float32(values) for name, values in numbers.items()})
