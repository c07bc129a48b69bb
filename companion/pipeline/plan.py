"""How long a profile will take on this machine, and how much memory: measured prices times counts.

Each step declares what a job of it computes, in training steps and in products. Not counted are
compilation, the decoding of images, statistics and pages.
"""

import contextlib
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from companion.config import Profile
from companion.pipeline import status
from companion.pipeline.cost import Kind
from companion.pipeline.jobs import jobs_of
from companion.pipeline.steps import Step
from slugkit.data.synthesis.synthetic import generate
from slugkit.errors import InputError
from slugkit.model import training
from slugkit.model.vae import initialise
from slugkit.operators.jacobian import lineariser, pull, push
from slugkit.operators.parameters import flatten
from slugkit.progress import ProgressCallback, stay_silent

REPEATS = 3
# The number of images that are timed; the seconds are scaled up, and memory is what the compiler
# allocates for all.
TIMED_IMAGES = 8
# The loops over batches run ahead of the device: about this many batches were seen in use at once.
BATCHES_IN_FLIGHT = 3
PYTHON_GIGABYTES = 0.5


class Price(NamedTuple):
    """What a step of one kind takes on this machine."""

    seconds: float  # for one image
    gigabytes: float  # for a whole batch


def plan(
    profile: Profile, steps: Mapping[str, Step], prices: Mapping[str, Mapping[Kind, Price]]
) -> pd.DataFrame:
    """Return one row per step of the graph: jobs, hours of all of them, and memory of one.

    `prices` belong to each part of the run, "" being the main one.
    """
    rows: dict[str, dict[str, float]] = {}
    for rule, step in steps.items():
        if not step.belongs_to(profile):
            continue
        counted = step.cost(profile.part(step.part))
        costs = [(cost, prices[step.part][cost.kind]) for cost in counted]
        if costs:
            jobs = len(jobs_of(step, profile))
            seconds = sum(cost.number * cost.images * price.seconds for cost, price in costs)
            memory = max(price.gigabytes for _, price in costs) + PYTHON_GIGABYTES
            rows[rule] = {"jobs": jobs, "hours": jobs * seconds / 3600, "memory GB": memory}
    return pd.DataFrame.from_dict(rows, orient="index")


def measure(
    profile: Profile,
    progress: ProgressCallback = stay_silent,
    loss: training.PerceptualLoss | None = None,
) -> dict[Kind, Price]:
    """Return the price of a training step and of both products, on generated images.

    They have the profile's size and its network, so no data is needed. The perceptual loss takes
    part if it is given.
    """
    curvature = min(profile.curvature.batch_size, profile.data.skin.train)
    # One after the other: each holds its activations only while it is timed.
    progress(0, 3, "training step")
    step = _training_step(profile, loss)
    progress(1, 3, "product with G")
    ggn = _product(profile, curvature, with_transpose=True)
    progress(2, 3, "Jacobian-vector product")
    jacobian = _product(profile, profile.scores.batch_size, with_transpose=False)
    return {"training_step": step, "ggn_product": ggn, "jacobian_product": jacobian}


def describe(
    profile: Profile,
    steps: Mapping[str, Step],
    workers: int,
    progress: ProgressCallback = stay_silent,
    loss: training.PerceptualLoss | None = None,
) -> str:
    """Measure, and say what the run will take here, what it took before, and whether it fits."""
    parts = sorted({step.part for step in steps.values() if step.belongs_to(profile)})
    prices = {part: measure(profile.part(part), progress, loss) for part in parts}
    table = plan(profile, steps, prices)
    took = status.jobs(profile.name, steps)
    took = took[status.run_of(took["profile"]) == profile.name]
    hours = took.groupby("step")["seconds"].sum() / 3600
    table["took, hours"] = [hours.get(steps[str(rule)].name, np.nan) for rule in table.index]
    # Jobs of different steps run side by side, but no job is split.
    longest = (table["hours"] / table["jobs"]).max()
    whole = max(table["hours"].sum() / workers, longest)
    shown = table.to_string(float_format="{:.2f}".format, na_rep="-")
    device = jax.devices()[0]
    return "\n".join(
        [
            f"Profile {profile.name}: {profile.summary}",
            f"On this {device.device_kind} ({device.platform}), without decoding and pages:",
            shown,
            f"In all {table['hours'].sum():.2f} hours; with {workers} workers {whole:.2f} hours.",
            *_warnings(table, workers),
        ]
    )


def _warnings(table: pd.DataFrame, workers: int) -> list[str]:
    free = free_memory() / 1e9
    return [
        f"WARNING: {workers} jobs of {rule} side by side need {workers * needed:.1f} GB, more than "
        f"the {free:.1f} GB free here: run fewer, or lower batch_size in the profile."
        for rule, needed in table["memory GB"].items()
        if workers * needed > free
    ]


def free_memory() -> float:
    """Return the bytes that processes may still take, on this machine or in this container."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    values = {
        name: 1024 * int(rest.split()[0]) for name, _, rest in (x.partition(":") for x in lines)
    }
    limits = [float(values["MemAvailable"])]
    with contextlib.suppress(OSError, ValueError):  # absent, or "max"
        total, used = (
            int(Path("/sys/fs/cgroup", name).read_text())
            for name in ("memory.max", "memory.current")
        )
        limits.append(float(total - used))
    return min(limits)


def _training_step(profile: Profile, loss: training.PerceptualLoss | None) -> Price:
    model = initialise(profile.architecture(), profile.seeds[0])
    optimiser, step = training.make_step(
        profile.architecture(), profile.training.learning_rate, 1, loss
    )
    state = optimiser.init(model.params)
    count = min(profile.training.batch_size, profile.data.skin.train)
    few, key = min(count, TIMED_IMAGES), jax.random.key(0)
    lowered = step.lower(model.params, model.batch_stats, state, _shape(profile, count), key)
    ticks: list[float] = []
    # After so few steps the decoder may well have collapsed, which does not matter here.
    with contextlib.suppress(InputError):
        training.train(
            profile.architecture(),
            _images(profile, few),
            replace(profile.schedule(), epochs=REPEATS + 1, batch_size=few),
            seed=profile.seeds[0],
            perceptual_loss=loss,
            progress=lambda *_: ticks.append(time.perf_counter()),
        )
    found = lowered.compile().memory_analysis()
    total = found.argument_size_in_bytes + found.output_size_in_bytes + found.temp_size_in_bytes
    gigabytes = (total - found.alias_size_in_bytes) / 1e9
    return Price(float(np.diff(ticks).min()) / few, gigabytes)


def _product(profile: Profile, batch: int, *, with_transpose: bool) -> Price:
    model = initialise(profile.architecture(), profile.seeds[0])
    parameters, apply = flatten(model.params), model.reconstruct()
    vector, linearise = parameters.vector, lineariser(apply, parameters)
    _, shape = jax.eval_shape(linearise, _shape(profile, batch))
    kept = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(shape)) / 1e9
    few = min(batch, TIMED_IMAGES)
    _, jvp = linearise(jnp.asarray(_images(profile, few)))

    def once() -> Any:
        pushed = push(jvp, vector)
        return pull(jvp, pushed, len(vector), vector.dtype) if with_transpose else pushed

    jax.block_until_ready(once())
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        jax.block_until_ready(once())
        times.append(time.perf_counter() - start)
    return Price(min(times) / few, BATCHES_IN_FLIGHT * kept)


def _shape(profile: Profile, count: int) -> jax.ShapeDtypeStruct:
    side = profile.data.image_size
    return jax.ShapeDtypeStruct((count, side, side, 3), np.float32)


def _images(profile: Profile, count: int) -> np.ndarray:
    types = np.resize([1, 2, 3, 4, 5, 6], count)
    return generate(types, profile.data.image_size, profile.seeds[0])
