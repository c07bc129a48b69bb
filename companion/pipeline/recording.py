"""Keep the tables of a finished run in the repository, so that a clone without data shows them."""

import importlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pandas as pd

from companion.config import MIXED, Profile
from companion.paths import RunPaths, project_root
from companion.pipeline.jobs import Job, jobs_of
from companion.pipeline.provenance import all_versions, machine
from companion.pipeline.recorded_runs import NETWORKS, WHOLE_RUN
from companion.pipeline.steps import Page, Step
from companion.pipeline.store import load_table, save_table
from slugkit.data.acquire.manifests import load_manifest
from slugkit.errors import InputError
from slugkit.files import atomic_path


def record(profile: Profile, steps: Mapping[str, Step], pages: Mapping[str, Page]) -> int:
    """Copy tables and provenance of a finished run to results/<profile>; return the bytes written.

    No image and no picture is copied. Images of a data set that may not be passed on lose their
    identifiers.

    Raises
    ------
    InputError
        The run is not finished.
    """
    source = RunPaths(profile.name)
    jobs = [job for step in steps.values() for job in jobs_of(step, profile)]
    verdicts = [
        source.notebook(page.name).with_suffix(".json")
        for page in pages.values()
        if page.decides_claims
    ]
    wanted = [job.record for job in jobs] + [job.file(name) for job, name, _ in _kept(jobs)]
    for path in (*wanted, *verdicts):
        if not path.is_file():
            raise InputError(
                f"the run of profile {profile.name!r} is not finished: "
                f"{path.relative_to(source.root)} is missing; run `make book "
                f"PROFILE={profile.name}` first"
            )
    return _write(profile, jobs, verdicts, WHOLE_RUN)


def record_networks(profile: Profile, steps: Mapping[str, Step]) -> int:
    """Copy what the networks of the mixed training set gave, of a run that has nothing else yet.

    A seed whose network is not scored yet is left out of the record, and of its profile.

    Raises
    ------
    InputError
        A whole run is recorded already, or no network has been scored.
    """
    if (RunPaths(profile.name, "results").root / WHOLE_RUN).is_file():
        raise InputError(
            f"a whole run of profile {profile.name!r} is recorded, which one training set would "
            "replace: leave out --dataset"
        )
    jobs = [
        job
        for step in steps.values()
        if not step.part
        for job in jobs_of(step, profile)
        if job.dataset == MIXED
    ]
    scores = [job for job in jobs if job.step.name == "scores"]
    scored = tuple(job.seed for job in scores if job.record.is_file())
    if not scored:
        raise InputError(
            f"no network of profile {profile.name!r} is scored: run `python -m companion make "
            f"{scores[0].file('scores.csv').relative_to(project_root())}` first"
        )
    done = [job for job in jobs if job.seed in scored and job.record.is_file()]
    return _write(profile.of_runs(scored), done, (), NETWORKS)


def _write(profile: Profile, jobs: list[Job], others: Iterable[Path], about: str) -> int:
    """Write records, tables and other files to results/<profile>, and what is known in `about`."""
    source, target = RunPaths(profile.name), RunPaths(profile.name, "results")
    partial = target.root.with_name(f".{profile.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    for path in (*(job.record for job in jobs), *others):
        copy = partial / path.relative_to(source.root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    tables = {job.file(name): _shortened(job, name, by) for job, name, by in _kept(jobs)}
    names = hidden_names(tables.values())
    for path, table in tables.items():
        save_table(partial / path.relative_to(source.root), without_identifiers(table, names))
    records = sorted((job.read_record() for job in jobs), key=lambda one: one["started"])
    timing = source.root / "timing.json"
    with atomic_path(partial / about) as file:
        content = {
            "profile": profile.model_dump(mode="json"),
            "data_sets": profile.data.sources(),
            "finished": max(one.get("finished", one["started"]) for one in records),
            "timing": json.loads(timing.read_text(encoding="utf-8")) if timing.is_file() else None,
            # A long run is made over several commits and, it may be, on several machines, with
            # packages of their own.
            "commits": list(dict.fromkeys(one["commit"][:7] for one in records)),
            "dirty": any(one["dirty"] for one in records),
            "machines": list(dict.fromkeys(machine(one["hardware"]) for one in records)),
            "profile_digest": records[-1]["profile_digest"],
            "packages": all_versions(one["packages"] for one in records),
        }
        file.write_text(json.dumps(content, indent=1) + "\n")
    shutil.rmtree(target.root, ignore_errors=True)
    partial.rename(target.root)
    return sum(path.stat().st_size for path in target.root.rglob("*") if path.is_file())


def _kept(jobs: list[Job]) -> Iterator[tuple[Job, str, str]]:
    """Give the tables that stay, each with the function that shortens it, or nothing."""
    for job in jobs:
        for name, shorten in job.step.kept.items():
            yield job, name, shorten


def hidden_names(tables: Iterable[pd.DataFrame]) -> dict[str, dict[str, str]]:
    """Return what images and groups that may not be passed on are called instead.

    By the column that names them, `image_id` or `group`. One name holds in all tables of a run:
    they are joined on it, and intervals are over groups.
    """
    found: dict[str, set[str]] = {"image_id": set(), "group": set()}
    for table in tables:
        if "source" in table:
            private = table[table["source"].map(_is_private)]
            for column in found.keys() & set(private):
                found[column] |= set(private[column].dropna().astype(str))
    return {
        column: {name: f"{column.removesuffix('_id')}{k:05}" for k, name in enumerate(sorted(all_))}
        for column, all_ in found.items()
    }


def without_identifiers(table: pd.DataFrame, names: dict[str, dict[str, str]]) -> pd.DataFrame:
    """Replace the identifiers of images that may not be passed on, and leave out other names."""
    # A group of duplicates has the name of one of its images; only splits need it.
    kept = table.drop(columns=["file", "duplicate_group"], errors="ignore")
    if "source" not in kept:
        return kept
    private = kept["source"].map(_is_private)
    for column, called in (("image_id", "image_id"), ("group", "group"), ("pair", "image_id")):
        if column in kept:
            new = names[called]
            hidden = kept[column].map(lambda name, new=new: new.get(str(name), "") if name else "")
            kept[column] = kept[column].where(~private, hidden)
    return kept


def _shortened(job: Job, name: str, by: str) -> pd.DataFrame:
    table = load_table(job.file(name))
    if not by:
        return table
    module, _, function = by.partition(":")
    return getattr(importlib.import_module(module), function)(table)


def _is_private(source: str) -> bool:
    return source != "synthetic" and load_manifest(source).sharing.allowed is not True
