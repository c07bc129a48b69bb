"""How long a profile will take on this machine, and how much memory, from a step of each kind."""

import math
from collections.abc import Callable

import jax
import nbformat
import pandas as pd

from companion.config import LABORATORY, Profile
from companion.paths import RunPaths
from companion.pipeline import status, step_costs
from companion.pipeline.graph import NOTEBOOKS
from companion.pipeline.step_costs import StepCost, StepCosts, free_memory, perceptual_loss
from companion.pipeline.workload import LABORATORY_PART, Work, num_test_images, workload
from slugkit.progress import stay_silent

BYTES = 4  # of a float32
# The notebooks are timed by papermill; where they have never run, those of this profile stand in.
STANDING_IN = "quick"


def plan(
    profile: Profile, costs: StepCosts, laboratory_costs: StepCosts | None = None
) -> pd.DataFrame:
    """Return what the run will take: one row per part of the graph.

    What cannot be counted is taken from the last run: the notebooks, and the steps that are not
    named ("others").

    Parameters
    ----------
    profile
        What is run.
    costs, laboratory_costs
        Of one step of each kind, with the profile's network and with the ablation's; without the
        latter the ablation's parts have no hours.

    Returns
    -------
    DataFrame
        Indexed by part: jobs, steps (of all jobs), hours (one worker; NaN where unknown),
        activations_gb (of one job: what a step needs beside the data), memory_gb (of one job, with
        the data and the vectors) and disk_gb (of all jobs).
    """
    parts = workload(profile)
    rows = [_row(work, laboratory_costs if work.in_laboratory else costs) for work in parts]
    tested = num_test_images(profile, "B") * profile.data.image_size**2 * 3 * BYTES
    jobs = _jobs(profile.name)
    others = jobs[~jobs["part"].isin([work.part for work in parts])]
    hours = others["seconds"].sum() / 3600 if len(others) else math.nan
    pages, shown = len(NOTEBOOKS), _notebook_hours(profile)
    rows.append(("others", max(1, len(others)), len(others), hours, 0, tested, 0))
    rows.append(("notebooks", pages, pages, shown, 0, tested, 0))
    table = pd.DataFrame(
        rows,
        columns=["part", "jobs", "steps", "hours", "activations_gb", "memory_gb", "disk_gb"],
    ).set_index("part")
    table[["activations_gb", "memory_gb", "disk_gb"]] /= 1e9
    return table


def _row(work: Work, costs: StepCosts | None) -> tuple:
    count = sum(steps.number for steps in work.steps)
    if costs is None:
        return work.part, work.jobs, count, math.nan, 0, work.data, work.disk
    seconds, activations = 0.0, 0.0
    for steps in work.steps:
        cost: StepCost = getattr(costs, steps.kind)
        batches = steps.images / cost.images
        seconds += steps.number * batches * cost.seconds
        activations = max(activations, batches * cost.memory)
    return (
        work.part,
        work.jobs,
        count,
        seconds / 3600,
        activations,
        activations + work.data,
        work.disk,
    )


def with_workers(table: pd.DataFrame, workers: int) -> float:
    """Return the hours with several workers: the jobs of a part run side by side."""
    rounds = (table["jobs"] / workers).map(math.ceil)
    return float((table["hours"] / table["jobs"] * rounds).sum())


def taken(profile: Profile) -> pd.DataFrame:
    """Return what the finished parts of a profile's run here took.

    Returns
    -------
    DataFrame
        Indexed by part: hours (of all jobs) and memory_gb (the largest of a process).
    """
    rows, parts = _jobs(profile.name), workload(profile)
    finished = {}
    for work in parts:
        here = rows[rows["part"] == work.part]
        if len(here[here["data set"] != ""].drop_duplicates(["seed", "data set"])) == work.jobs:
            finished[work.part] = here["seconds"].sum() / 3600, here["memory GB"].max()
    rest = rows[~rows["part"].isin([work.part for work in parts])]
    if len(rest):
        finished["others"] = rest["seconds"].sum() / 3600, rest["memory GB"].max()
    hours = _hours_of_notebooks(profile.name)
    if not math.isnan(hours):
        finished["notebooks"] = hours, math.nan
    return pd.DataFrame.from_dict(finished, orient="index", columns=["hours", "memory_gb"])


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
        device, costs = devices[0], step_costs.measure(profile, devices[0], progress)
        lines += ["", *_describe_costs(f"{name} ({device.device_kind})", costs)]
        of_laboratory = None
        if profile.experiments.ablation:
            of_laboratory = step_costs.measure(profile.laboratory(), device, progress)
            lines += _describe_costs("With the network of the ablation", of_laboratory)
        table = plan(profile, costs, of_laboratory)
        lines += ["", *_describe_plan(profile, table, workers)]
        lines += _warnings(table, workers, free_memory(device), platform)
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
    took = taken(profile)
    finished = dict(zip(took.index, took.to_numpy(), strict=True))
    lines = [
        f"{'part':15}{'jobs':>5}{'steps':>12}{'hours':>10}{'memory GB':>11}{'disk GB':>9}"
        f"{'took, hours':>13}{'and GB':>8}"
    ]
    for part, row in zip(map(str, table.index), table.to_dict("records"), strict=True):
        hours, memory = finished.get(part, (math.nan, math.nan))
        lines.append(
            f"{part:15}{row['jobs']:5.0f}{row['steps']:12,.0f}"
            f"{_or_else(row['hours'], 'unknown'):>10}{row['memory_gb']:11.2f}{row['disk_gb']:9.2f}"
            f"{_or_else(hours, '-'):>13}{_or_else(memory, '-'):>8}"
        )
    all_hours = took["hours"].sum() if len(took) else math.nan
    most = took["memory_gb"].max() if len(took) else math.nan
    return [
        *lines,
        f"{'whole':32}{table['hours'].sum():10.2f}{table['memory_gb'].max():11.2f}"
        f"{table['disk_gb'].sum():9.2f}{_or_else(all_hours, '-'):>13}{_or_else(most, '-'):>8}",
        "",
        f"With {workers} workers of this kind: {with_workers(table, workers):.2f} hours. Memory is "
        "that of one job, beside some 0.5 GB of Python itself; the pages come on top, and what is "
        "unknown. What it took was measured with as many jobs side by side as the run had.",
    ]


def _or_else(number: float, word: str) -> str:
    return word if math.isnan(number) else f"{number:.2f}"


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


def _jobs(profile: str) -> pd.DataFrame:
    """Return the jobs of the run here, with the part of the graph that each belongs to."""
    table = status.jobs(profile)
    table = table[table["profile"].isin([profile, f"{profile}/{LABORATORY}"])]
    in_laboratory = table["profile"].str.endswith(f"/{LABORATORY}")
    return table.assign(part=table["step"].mask(in_laboratory, LABORATORY_PART))


def _notebook_hours(profile: Profile) -> float:
    hours = _hours_of_notebooks(profile.name)
    return _hours_of_notebooks(STANDING_IN) if math.isnan(hours) else hours


def _hours_of_notebooks(profile: str) -> float:
    files = [RunPaths(profile).notebook(name) for name in NOTEBOOKS]
    if not all(path.is_file() for path in files):
        return math.nan
    read = [nbformat.read(path, as_version=4) for path in files]
    return sum(notebook.metadata["papermill"]["duration"] for notebook in read) / 3600
