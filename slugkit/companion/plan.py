"""How long a profile will take on this machine, and how much memory, from a step of each kind."""

import json
import math
from collections.abc import Callable

import jax
import nbformat
import pandas as pd

from slugkit.companion import status, step_costs
from slugkit.companion.experiments.estimators import MAPS, SCORES
from slugkit.companion.graph import NOTEBOOKS
from slugkit.companion.paths import DATASETS, RunPaths
from slugkit.companion.profile import Profile
from slugkit.companion.step_costs import StepCosts, free_memory, perceptual_loss
from slugkit.progress import stay_silent
from slugkit.vae import initialise, num_parameters

BYTES = 4  # of a float32
COUNTED = ("train", "curvature", "scores", "estimators", "sketch")
# The notebooks are timed by papermill; where they have never run, those of this profile stand in.
STANDING_IN = "quick"


def plan(profile: Profile, costs: StepCosts) -> pd.DataFrame:
    """Return what the run will take: one row per part of the graph.

    The experiments are counted in products alone; the notebooks, and the steps that are not
    counted at all ("others"), are taken from the last run.

    Returns
    -------
    DataFrame
        Indexed by part: jobs, steps (of all jobs), hours (one worker; NaN where unknown),
        activations_gb (of one job: what a step needs beside the data), memory_gb (of one job, with
        the data and the vectors) and disk_gb (of all jobs).
    """
    models, size = len(profile.seeds) * len(DATASETS), num_parameters_of(profile)
    train, curvature, scores = profile.training, profile.curvature, profile.scores
    step, product, jacobian = costs.training_step, costs.ggn_product, costs.jacobian_product
    image = profile.data.image_size**2 * 3 * BYTES
    held = profile.data.skin.train * image
    tested = num_test_images(profile, "B") * image
    basis = curvature.rank * size * BYTES

    steps = models * train.epochs * max(1, profile.data.skin.train // train.batch_size)
    batches = math.ceil(profile.data.skin.train / curvature.batch_size)
    products, samples = curvature.max_products * batches, curvature.trace_samples * batches
    # A batch of the trace is one of the curvature, not one of the scores.
    sample = jacobian.seconds * curvature.batch_size / scores.batch_size
    pushes = len(profile.seeds) * sum(
        scores.num_samples * math.ceil(num_test_images(profile, dataset) / scores.batch_size)
        for dataset in DATASETS
    )
    singles = _products_for_one_image(profile)
    sketched = _products_of_sketches(profile)
    rows = [
        ("train", models, steps, steps * step.seconds, step, held, models * 8 * size),
        (
            "curvature",
            models,
            models * (products + samples),
            models * (products * product.seconds + samples * sample),
            product,
            held + curvature.max_products * size * BYTES,
            models * basis,
        ),
        (
            "scores",
            models,
            pushes,
            pushes * jacobian.seconds,
            jacobian,
            # The images, and for each its reconstruction and the sum and the error of its map.
            4 * tested + basis,
            len(profile.seeds) * tested * 4 / 3,
        ),
        (
            "estimators",
            1,
            singles,
            singles * jacobian.seconds / scores.batch_size,
            jacobian,
            tested + basis,
            0,
        ),
        ("sketch", 1, sketched, sketched * product.seconds, product, held + 4 * basis, 0),
    ]
    table = pd.DataFrame(
        [
            (name, jobs, count, seconds / 3600, cost.memory, cost.memory + data, disk)
            for name, jobs, count, seconds, cost, data, disk in rows
        ]
        + [("others", *_others(profile.name), 0, tested, 0)]
        + [("notebooks", len(NOTEBOOKS), len(NOTEBOOKS), _notebook_hours(profile), 0, tested, 0)],
        columns=["part", "jobs", "steps", "hours", "activations_gb", "memory_gb", "disk_gb"],
    ).set_index("part")
    table[["activations_gb", "memory_gb", "disk_gb"]] /= 1e9
    return table


def with_workers(table: pd.DataFrame, workers: int) -> float:
    """Return the hours with several workers: the jobs of a part run side by side."""
    rounds = (table["jobs"] / workers).map(math.ceil)
    return float((table["hours"] / table["jobs"] * rounds).sum())


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
    paths, first = RunPaths(profile.name), (DATASETS[1], profile.seeds[0])
    models = [(dataset, seed) for seed in profile.seeds for dataset in DATASETS]
    parts = {"train": models, "curvature": models, "scores": models}
    parts |= {"estimators": [first], "sketch": [first]}
    taken: dict[str, float] = {}
    for part, jobs in parts.items():
        records = [paths.trained(*job) / f"{part}.json" for job in jobs]
        found = [json.loads(path.read_text()) for path in records if path.is_file()]
        if len(found) == len(records):
            taken[part] = sum(one["duration_seconds"] for one in found) / 3600
    taken |= {"others": _others(profile.name)[2], "notebooks": _hours_of_notebooks(profile.name)}
    return {part: hours for part, hours in taken.items() if not math.isnan(hours)}


def describe(
    profile: Profile, workers: int, progress: Callable[[int, int, str], None] = stay_silent
) -> str:
    """Measure, and say what the run will take on each kind of device here, and what it took."""
    lines = [f"Profile {profile.name}: {profile.summary}"]
    if profile.training.perceptual_weight and perceptual_loss(profile) is None:
        lines.append("The perceptual loss is left out: its weights are not under the data root.")
    for platform, name in (("cpu", "CPU"), ("gpu", "GPU")):
        devices = _devices(platform)
        if not devices:
            lines += ["", f"{name}: not measured, as none is visible to jax here."]
            continue
        costs = step_costs.measure(profile, devices[0], progress)
        lines += ["", *_describe_costs(f"{name} ({devices[0].device_kind})", costs)]
        lines += ["", *_describe_plan(profile, plan(profile, costs), workers)]
        lines += _warnings(plan(profile, costs), workers, free_memory(devices[0]), platform)
    return "\n".join(lines)


def _describe_costs(device: str, costs: StepCosts) -> list[str]:
    lines = [f"{device}, one step on one batch, measured:"]
    for name, cost in (
        ("training step", costs.training_step),
        ("product with G", costs.ggn_product),
        ("Jacobian product", costs.jacobian_product),
    ):
        partly = cost.images_timed < cost.images
        timed = f", scaled up from {cost.images_timed} images" if partly else ""
        lines.append(
            f"  {name:17}{cost.images:4} images {cost.seconds:9.3g} s{timed}; "
            f"activations {cost.memory / 1e9:.2f} GB"
        )
    return lines


def _describe_plan(profile: Profile, table: pd.DataFrame, workers: int) -> list[str]:
    taken = hours_taken(profile)
    lines = [
        f"{'part':12}{'jobs':>6}{'steps':>12}{'hours':>10}{'memory GB':>12}{'disk GB':>10}"
        f"{'took, hours':>14}"
    ]
    for part, row in table.iterrows():
        took = f"{taken[str(part)]:.2f}" if part in taken else "-"
        hours = "unknown" if math.isnan(row["hours"]) else f"{row['hours']:.2f}"
        lines.append(
            f"{part:12}{row['jobs']:6.0f}{row['steps']:12,.0f}{hours:>10}"
            f"{row['memory_gb']:12.2f}{row['disk_gb']:10.2f}{took:>14}"
        )
    return [
        *lines,
        f"{'whole':12}{'':6}{'':12}{table['hours'].sum():10.2f}{table['memory_gb'].max():12.2f}"
        f"{table['disk_gb'].sum():10.2f}{sum(taken.values()) if taken else 0:14.2f}",
        "",
        f"With {workers} workers of this kind: {with_workers(table, workers):.2f} hours. Memory is "
        "that of one job, beside some 0.5 GB of Python itself; the pages come on top, and what is "
        "unknown.",
    ]


def _warnings(table: pd.DataFrame, workers: int, free: float, platform: str) -> list[str]:
    # Each worker with a graphics card has one of its own.
    beside = workers if platform == "cpu" else 1
    lines = []
    for part, row in table.iterrows():
        needed, jobs = row["memory_gb"], min(beside, int(row["jobs"]))
        if needed > free / 1e9:
            lines.append(
                f"WARNING: {part} needs {needed:.1f} GB, more than the {free / 1e9:.1f} GB free "
                "here: it will be killed. Lower its batch_size in the profile, or take a larger "
                "machine."
            )
        elif jobs * needed > free / 1e9:
            lines.append(
                f"WARNING: {jobs} jobs of {part} side by side need {jobs * needed:.1f} GB, more "
                f"than the {free / 1e9:.1f} GB free here: run fewer, as by `slugkit book --cores "
                f"{int(free / 1e9 // needed)}`."
            )
    return lines


def _devices(platform: str) -> list[jax.Device]:
    try:
        return jax.local_devices(backend=platform)
    except RuntimeError:
        return []


def _products_for_one_image(profile: Profile) -> int:
    settings = profile.experiments.estimators
    scores = len(SCORES) * settings.score_repeats * sum(settings.score_budgets)
    maps = len(MAPS) * sum(settings.map_budgets)
    references = settings.reference_outputs + settings.reference_products
    return settings.images * (scores + maps + references)


def _products_of_sketches(profile: Profile) -> int:
    settings = profile.experiments.sketch
    cases = len(settings.sketches) * len(settings.shares) * sum(settings.steps)
    batches = math.ceil(settings.train_images / profile.curvature.batch_size)
    return batches * (4 * settings.rank + cases)


def _others(profile: str) -> tuple[int, int, float]:
    """Return jobs, steps and hours of the last run's steps that are not counted here."""
    table = status.jobs(profile)
    here = table["profile"].str.split("/").str[0] == profile
    rows = table[here & (~table["step"].isin(COUNTED) | table["profile"].str.contains("/"))]
    hours = rows["seconds"].sum() / 3600 if len(rows) else math.nan
    return max(1, len(rows)), len(rows), float(hours)


def _notebook_hours(profile: Profile) -> float:
    hours = _hours_of_notebooks(profile.name)
    return _hours_of_notebooks(STANDING_IN) if math.isnan(hours) else hours


def _hours_of_notebooks(profile: str) -> float:
    files = [RunPaths(profile).notebook(name) for name in NOTEBOOKS]
    if not all(path.is_file() for path in files):
        return math.nan
    read = [nbformat.read(path, as_version=4) for path in files]
    return sum(notebook.metadata["papermill"]["duration"] for notebook in read) / 3600
