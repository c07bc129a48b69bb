"""Run one experiment of the method on the first trained network."""

import jax
import numpy as np
import pandas as pd

from slugkit import slug, training
from slugkit.companion.experiments import DATASET, EXPERIMENTS, estimators, sketch
from slugkit.companion.paths import RunPaths
from slugkit.companion.profile import Profile
from slugkit.companion.provenance import recorded
from slugkit.companion.tables import load_array, load_table, save_table
from slugkit.errors import InputError
from slugkit.progress import Progress
from slugkit.training import TrainedVAE


def run(profile: Profile, name: str) -> None:
    """Write <name>.csv beside the network.

    Raises
    ------
    InputError
        There is no such experiment, or the network has not been trained.
    """
    if name not in EXPERIMENTS:
        raise InputError(f"there is no experiment {name!r}: choose one of {', '.join(EXPERIMENTS)}")
    paths, seed = RunPaths(profile.name), profile.seeds[0]
    data, folder = paths.prepared(seed), paths.trained(DATASET, seed)
    inputs = [data / f"train_{DATASET}.npy", data / "test.npy", data / "test.csv"]
    inputs += [folder / "model.msgpack", folder / "posterior.npz"]
    output = folder / f"{name}.csv"
    with recorded(
        folder / f"{name}.json",
        profile,
        step=name,
        inputs=inputs,
        outputs=[output],
        dataset=DATASET,
        seed=seed,
    ):
        model = training.load_model(folder / "model.msgpack", profile.architecture())
        tests = load_table(data / "test.csv")
        images = load_array(data / "test.npy")[_one_of_each_tone(tests)]
        measure = {"estimators": _estimators, "sketch": _sketch}[name]
        save_table(output, measure(profile, model, images, seed))


def _one_of_each_tone(tests: pd.DataFrame) -> list[int]:
    return [int(np.argmax(tests["set"] == tone)) for tone in ("light", "dark")]


def _estimators(profile: Profile, model: TrainedVAE, images: np.ndarray, seed: int) -> pd.DataFrame:
    settings = profile.experiments.estimators
    folder = RunPaths(profile.name).trained(DATASET, seed)
    return estimators.measure(
        slug.load(folder / "posterior.npz", model.reconstruct(), model.params),
        images[: settings.images],
        score_budgets=settings.score_budgets,
        map_budgets=settings.map_budgets,
        score_repeats=settings.score_repeats,
        reference_outputs=settings.reference_outputs,
        reference_products=settings.reference_products,
        key=jax.random.key(seed),
        progress=Progress("estimators: estimate"),
    )


def _sketch(profile: Profile, model: TrainedVAE, images: np.ndarray, seed: int) -> pd.DataFrame:
    settings = profile.experiments.sketch
    train = load_array(RunPaths(profile.name).prepared(seed) / f"train_{DATASET}.npy")
    return sketch.measure(
        model.reconstruct(),
        model.params,
        train[: settings.train_images],
        images,
        rank=settings.rank,
        steps=settings.steps,
        shares=settings.shares,
        sketches=settings.sketches,
        num_samples=settings.num_samples,
        batch_size=profile.curvature.batch_size,
        key=jax.random.key(seed),
        progress=Progress("sketch: basis"),
    )
