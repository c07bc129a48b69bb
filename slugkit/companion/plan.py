"""How long a profile will take on this machine, from one measured step of each kind."""

import contextlib
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from slugkit import ggn, training
from slugkit.companion.paths import DATASETS, RunPaths
from slugkit.companion.profile import Profile
from slugkit.data.synthetic import generate
from slugkit.errors import InputError
from slugkit.parameters import flatten
from slugkit.vae import initialise, num_parameters

BYTES = 4  # of a float32
REPEATS = 3


@dataclass(frozen=True)
class StepTimes:
    """Seconds of one step of each kind, on one batch."""

    training_step: float
    ggn_product: float
    jacobian_product: float


def measure(profile: Profile) -> StepTimes:
    """Time one training step, one product with G and one Jacobian-vector product.

    On generated images of the profile's size and with its network, so that no data is needed; the
    perceptual loss is left out.
    """
    architecture, seed = profile.architecture(), profile.seeds[0]
    batch = max(
        profile.training.batch_size, profile.curvature.batch_size, profile.scores.batch_size
    )
    images = generate(np.resize([1, 2, 3, 4, 5, 6], batch), profile.data.image_size, seed)
    model = initialise(architecture, seed)
    parameters = flatten(model.params)
    some = images[: profile.curvature.batch_size]
    product = ggn.ggn_product(model.reconstruct(), parameters, some, batch_size=len(some))
    linearise = ggn.lineariser(model.reconstruct(), parameters)
    _, jvp = linearise(jnp.asarray(images[: profile.scores.batch_size]))
    vector = parameters.vector
    return StepTimes(
        _training_step(profile, images[: profile.training.batch_size]),
        _shortest(lambda: product(np.asarray(vector))),
        _shortest(lambda: ggn.push(jvp, vector)),
    )


def plan(profile: Profile, times: StepTimes) -> pd.DataFrame:
    """Return what the run will take: one row per part, with steps, hours, memory and disk.

    Returns
    -------
    DataFrame
        Indexed by part ("train", "curvature", "scores"): jobs, steps (of all jobs), hours (one
        worker), memory_gb (of one job, without the activations) and disk_gb (of all jobs).
    """
    models, size = len(profile.seeds) * len(DATASETS), num_parameters_of(profile)
    train, curvature, scores = profile.training, profile.curvature, profile.scores
    steps = train.epochs * max(1, profile.data.skin.train // train.batch_size)
    batches = math.ceil(profile.data.skin.train / curvature.batch_size)
    products, samples = curvature.max_products * batches, curvature.trace_samples * batches
    pushes = {
        dataset: scores.num_samples
        * math.ceil(num_test_images(profile, dataset) / scores.batch_size)
        for dataset in DATASETS
    }
    image = profile.data.image_size**2 * 3 * BYTES
    held = profile.data.skin.train * image
    tested = num_test_images(profile, "B") * image
    rows = {
        "train": (models, models * steps, models * steps * times.training_step, held, 8 * size),
        "curvature": (
            models,
            models * (products + samples),
            models * (products * times.ggn_product + samples * times.jacobian_product),
            held + curvature.max_products * size * BYTES,
            curvature.rank * size * BYTES,
        ),
        "scores": (
            models,
            len(profile.seeds) * sum(pushes.values()),
            len(profile.seeds) * sum(pushes.values()) * times.jacobian_product,
            tested + curvature.rank * size * BYTES,
            tested * 4 / 3 / len(DATASETS),
        ),
    }
    return pd.DataFrame(
        [
            (name, jobs, count, seconds / 3600, memory / 1e9, jobs * disk / 1e9)
            for name, (jobs, count, seconds, memory, disk) in rows.items()
        ],
        columns=["part", "jobs", "steps", "hours", "memory_gb", "disk_gb"],
    ).set_index("part")


def num_test_images(profile: Profile, dataset: str) -> int:
    """Return how many images are scored: for data set B also the external ones and the objects."""
    data = profile.data
    count = 2 * data.skin.test
    if dataset != "B":
        return count
    if data.external is not None:
        count += data.external.per_type * len(data.external.types)
    objects = data.objects
    return (
        count + objects.per_kind * (1 + len(objects.kinds)) + sum((objects.tagged or {}).values())
    )


def num_parameters_of(profile: Profile) -> int:
    """Return the number of parameters of the profile's network."""
    return num_parameters(initialise(profile.architecture(), 0).params)


def hours_taken(profile: Profile) -> dict[str, float]:
    """Return the hours that the finished jobs of a profile's run took, part by part."""
    paths = RunPaths(profile.name)
    taken: dict[str, float] = {}
    for part in ("train", "curvature", "scores"):
        records = [
            paths.trained(dataset, seed) / f"{part}.json"
            for seed in profile.seeds
            for dataset in DATASETS
        ]
        found = [json.loads(path.read_text()) for path in records if path.is_file()]
        if len(found) == len(records):
            taken[part] = sum(one["duration_seconds"] for one in found) / 3600
    return taken


def describe(profile: Profile, workers: int) -> str:
    """Measure, and say what the run will take and what it took."""
    times = measure(profile)
    table = plan(profile, times)
    taken = hours_taken(profile)
    device = jax.devices()[0]
    lines = [
        f"Profile {profile.name}: {profile.summary}",
        f"Measured here, on one worker ({device.platform}): training step "
        f"{times.training_step:.3g} s, product with G {times.ggn_product:.3g} s, Jacobian product "
        f"{times.jacobian_product:.3g} s, each for one batch.",
        "",
        f"{'part':12}{'jobs':>6}{'steps':>12}{'hours':>10}{'memory GB':>12}{'disk GB':>10}"
        f"{'took, hours':>14}",
    ]
    for part, row in table.iterrows():
        took = f"{taken[str(part)]:.2f}" if part in taken else "-"
        lines.append(
            f"{part:12}{row['jobs']:6.0f}{row['steps']:12,.0f}{row['hours']:10.2f}"
            f"{row['memory_gb']:12.2f}{row['disk_gb']:10.2f}{took:>14}"
        )
    total = table["hours"].sum()
    lines += [
        f"{'whole':12}{'':6}{'':12}{total:10.2f}{table['memory_gb'].max():12.2f}"
        f"{table['disk_gb'].sum():10.2f}{sum(taken.values()) if taken else 0:14.2f}",
        "",
        f"With {workers} workers of this kind: {total / min(workers, len(profile.seeds) * 3):.2f} "
        "hours. The notebooks and pages come on top. On a graphics card: not measured.",
    ]
    return "\n".join(lines)


def _training_step(profile: Profile, images: np.ndarray) -> float:
    ticks: list[float] = []
    schedule = replace(profile.schedule(), epochs=REPEATS + 1, batch_size=len(images))
    # So few steps may well end in a collapsed decoder, which is no matter here.
    with contextlib.suppress(InputError):
        training.train(
            profile.architecture(),
            images,
            schedule,
            seed=profile.seeds[0],
            progress=lambda *_: ticks.append(time.perf_counter()),
        )
    return float(np.diff(ticks).min())


def _shortest(function: Callable[[], object]) -> float:
    jax.block_until_ready(function())
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        jax.block_until_ready(function())
        times.append(time.perf_counter() - start)
    return min(times)
