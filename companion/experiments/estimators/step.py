"""Run one experiment of the method on the first trained network."""

from dataclasses import replace

import jax
import pandas as pd

from companion.config import Profile
from companion.experiments import DATASET, EXPERIMENTS
from companion.experiments.data import pools
from companion.experiments.estimators import measure as estimators
from companion.experiments.sketch import measure as sketch
from companion.paths import RunPaths
from companion.pipeline.provenance import recorded
from companion.pipeline.tables import load_array, load_table, save_table
from companion.statistics.summaries import GROUPS
from slugkit import slug
from slugkit.errors import InputError
from slugkit.model import training
from slugkit.model.vae import TrainedVAE
from slugkit.progress import Progress

# Images are large at some of the sizes, and their activations are kept.
ESTIMATORS_BATCH_SIZE = 8


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
        one_of_each_tone = tests.groupby("set").head(1).set_index("set", drop=False)
        one_of_each_tone = one_of_each_tone.loc[list(GROUPS)]
        measure = {"estimators": _estimators, "sketch": _sketch}[name]
        save_table(output, measure(profile, model, one_of_each_tone, seed))


def _estimators(
    profile: Profile, model: TrainedVAE, tests: pd.DataFrame, seed: int
) -> pd.DataFrame:
    settings = profile.experiments.estimators
    tables = []
    for size, most in settings.most_products.items():
        measured = estimators.measure(
            _posterior_at(size, profile, model, seed),
            pools.at_size(tests[: settings.images], size),
            score_budgets=[budget for budget in settings.score_budgets if budget <= most],
            map_budgets=[budget for budget in settings.map_budgets if budget <= most],
            score_repeats=settings.score_repeats,
            reference_outputs=settings.reference_outputs,
            reference_products=settings.reference_products,
            key=jax.random.fold_in(jax.random.key(seed), size),
            progress=Progress(f"estimators at {size} pixels: estimate"),
        )
        tables.append(measured)
    return pd.concat(tables, ignore_index=True)


def _posterior_at(size: int, profile: Profile, model: TrainedVAE, seed: int) -> slug.Posterior:
    """Return the network's own posterior, or one fitted to images of another size.

    The network is made of convolutions, so its parameters serve at any size.
    """
    paths = RunPaths(profile.name)
    if size == profile.data.image_size:
        file = paths.trained(DATASET, seed) / "posterior.npz"
        posterior = slug.load(file, model.reconstruct(), model.params)
        assert isinstance(posterior, slug.Posterior)
        return posterior
    resized = replace(model, architecture=replace(model.architecture, image_size=size))
    train = load_table(paths.prepared(seed) / "train.csv")
    rows = train[train["dataset"] == DATASET].sample(
        profile.experiments.estimators.train_images, random_state=seed
    )
    posterior = slug.fit(
        resized.reconstruct(),
        resized.params,
        pools.at_size(rows, size),
        rank=profile.curvature.rank,
        solver=slug.Lanczos(
            tolerance=profile.curvature.tolerance, max_products=profile.curvature.max_products
        ),
        batch_size=ESTIMATORS_BATCH_SIZE,
        key=jax.random.key(seed),
        progress=Progress(f"estimators at {size} pixels: product"),
    )
    assert isinstance(posterior, slug.Posterior)
    return posterior


def _sketch(profile: Profile, model: TrainedVAE, tests: pd.DataFrame, seed: int) -> pd.DataFrame:
    settings = profile.experiments.sketch
    train = load_array(RunPaths(profile.name).prepared(seed) / f"train_{DATASET}.npy")
    return sketch.measure(
        model.reconstruct(),
        model.params,
        train[: settings.train_images],
        pools.at_size(tests, profile.data.image_size),
        rank=settings.rank,
        steps=settings.steps,
        shares=settings.shares,
        sketches=settings.sketches,
        num_samples=settings.num_samples,
        batch_size=profile.curvature.batch_size,
        key=jax.random.key(seed),
        progress=Progress("sketch: basis"),
    )
