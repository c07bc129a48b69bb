"""What the last run of each profile took, step by step, from the provenance records."""

import itertools
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from companion.figures.style import COLOURS, INK
from companion.paths import RunPaths
from companion.pipeline.provenance import machine
from companion.pipeline.recorded_runs import recorded_profiles

ALL = "all steps"
COLUMNS = {
    "profile": str,
    "step": str,
    "seed": int,
    "data set": str,
    "seconds": float,
    "processor seconds": float,
    "memory GB": float,
    "hardware": str,
    "commit": str,
    "digest": str,
}


def jobs(profile: str, order: Iterable[str]) -> pd.DataFrame:
    """Return one row per job: of this profile's run here, and of the recorded runs of others.

    `order` names the steps as they follow each other.

    Columns: profile (with the part of it that has a setting of its own), step, seed, data set,
    seconds, processor seconds (NaN in records from before they were counted), memory GB (the
    largest of the process), hardware, commit, and digest (the first digits of the SHA-256 of its
    first output).
    """
    runs = {profile: RunPaths(profile)}
    runs |= {name: RunPaths(name, "results") for name in recorded_profiles() if name != profile}
    places = {name: number for number, name in enumerate(dict.fromkeys(order))}

    def place(row: tuple) -> tuple:
        profile, step, seed, dataset, *_ = row
        return profile, places.get(step, len(places)), step, seed, dataset

    rows = [row for paths in runs.values() for row in sorted(_rows(paths.root), key=place)]
    # The types are stated, as no row shows them before the first job.
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def by_step(table: pd.DataFrame) -> pd.DataFrame:
    """Return for each step of a profile, and for all: jobs, minutes, median seconds, memory.

    The minutes are the sum over jobs, the memory is the largest. Processor minutes are NaN where a
    job has none in its record.
    """
    whole = table.assign(profile=run_of(table["profile"]), step=ALL)
    rows = pd.concat([table, whole]).sort_values("profile", key=_number_of_run, kind="stable")
    groups = rows.groupby(["profile", "step"], sort=False)
    columns = {
        "jobs": groups.size(),
        "minutes of all": groups["seconds"].sum().div(60).round(1),
        "processor minutes": groups["processor seconds"].sum(skipna=False).div(60).round(1),
        "median seconds": groups["seconds"].median().round(1),
        "memory GB": groups["memory GB"].max(),
    }
    return pd.DataFrame(columns)


def run_of(profiles: pd.Series) -> pd.Series:
    """Return the profile of each job's run: a part with a setting of its own belongs to it."""
    return profiles.str.split("/").str[0]


def _number_of_run(profiles: pd.Series) -> pd.Series:
    return pd.Series(pd.factorize(run_of(profiles))[0], profiles.index)


def durations(axis: Axes, table: pd.DataFrame) -> None:
    """Draw the seconds of each job over its step, one mark and colour for each profile."""
    steps = list(dict.fromkeys(table["step"]))
    profiles = list(dict.fromkeys(table["profile"]))
    colours = [COLOURS[name] for name in ("slug", "mse", "B", "C", "A")]
    styles = itertools.cycle(zip("osD^v", colours, strict=True))
    offsets = np.linspace(-0.15, 0.15, len(profiles)) if len(profiles) > 1 else [0.0]
    for profile, (marker, colour), offset in zip(profiles, styles, offsets, strict=False):
        rows = table[table["profile"] == profile]
        places = [steps.index(step) + offset for step in rows["step"]]
        axis.plot(
            rows["seconds"], places, marker, color=colour, alpha=0.7, label=f"profile {profile}"
        )
    axis.set_xscale("log")
    axis.set_yticks(range(len(steps)), steps)
    axis.invert_yaxis()
    axis.set_xlabel("duration of a job (seconds)")
    axis.grid(axis="x", color=INK)


def _rows(root: Path) -> list[tuple]:
    records = [
        json.loads(path.read_text(encoding="utf-8")) for path in root.rglob("seed*/*/*.json")
    ]
    return [_row(record) for record in records if "duration_seconds" in record]


def _row(record: dict) -> tuple:
    return (
        record["profile"],
        record["step"],
        record["seed"],
        record.get("dataset", ""),
        record["duration_seconds"],
        record.get("processor_seconds", np.nan),
        round(record["peak_memory_megabytes"] / 1024, 2),
        machine(record["hardware"]),
        record["commit"][:7] + ("+" if record["dirty"] else ""),
        next(iter(record["outputs"].values()))[:12],
    )
