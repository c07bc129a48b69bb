"""The results of one run: tables over all seeds, arrays by image, and how they were made."""

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from companion.config import Profile
from companion.paths import RunPaths
from companion.pipeline.jobs import Job, jobs_of
from companion.pipeline.steps import Step
from companion.pipeline.store import Images
from slugkit.errors import InputError


@dataclass(frozen=True)
class Run:
    """The results of one profile, here or recorded."""

    profile: Profile
    steps: Mapping[str, Step]  # all that are declared, by the name of their rule
    base: str = "runs"  # or "results"
    dataset: str | None = None  # the training set whose networks alone are recorded
    _read: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False, compare=False)

    @property
    def paths(self) -> RunPaths:
        return RunPaths(self.profile.name, self.base)

    @functools.cached_property
    def own(self) -> dict[str, Step]:
        """The steps that the profile has settings for."""
        return {name: step for name, step in self.steps.items() if step.belongs_to(self.profile)}

    def jobs(self, rule: str) -> list[Job]:
        """Return the jobs of a step."""
        found = jobs_of(self.own[rule], self.profile, self.base) if rule in self.own else []
        return [job for job in found if self.dataset in (None, job.dataset)]

    def table(self, name: str) -> pd.DataFrame:
        """Return a table that a step writes, of all its jobs, with the seed and the training set.

        Raises
        ------
        InputError
            No step of this run writes it.
        """
        if name not in self._read:
            self._read[name] = self._read_all(name)
        return self._read[name].copy()

    def has_table(self, name: str) -> bool:
        """Whether every job has written a table; recorded runs keep only some."""
        step = self._maker(f"{name}.csv")
        return step is not None and all(
            job.file(f"{name}.csv").is_file() for job in self.jobs(step.rule)
        )

    def images(self, name: str, seed: int, dataset: str | None = None) -> Images:
        """Return an array of a seed's test images, or of what one network made of them."""
        rule, table = ("scores", "scores.csv") if dataset else ("prepare", "data/test.csv")
        job = self.job(rule, seed, dataset)
        return job.read_images(f"{name}.npy" if dataset else f"data/{name}.npy", table)

    def job(self, rule: str, seed: int, dataset: str | None = None) -> Job:
        """Return one job of a step."""
        for job in self.jobs(rule):
            if job.seed == seed and dataset in (None, job.dataset):
                return job
        raise InputError(f"step {rule} of profile {self.profile.name!r} has no job of seed {seed}")

    def records(self, rule: str) -> list[dict[str, Any]]:
        """Return the provenance records of a step."""
        return [job.read_record() for job in self.jobs(rule)]

    def numbers(self, page: str) -> dict[str, float]:
        """Return the named numbers that a page wrote."""
        return self._written_by(page)["numbers"]

    def verdicts(self, page: str) -> dict[str, str]:
        """Return the verdicts that a page wrote, by the claim."""
        return {claim: one["verdict"] for claim, one in self._written_by(page)["claims"].items()}

    def leading_to(self, rules: Iterable[str]) -> dict[str, list[Job]]:
        """Return the jobs of some steps and of all that they follow from, by the step's rule."""
        pending = [job for rule in rules for job in self.jobs(rule)]
        found: dict[str, dict[Any, Job]] = {}
        while pending:
            job = pending.pop()
            found.setdefault(job.step.rule, {})[job.seed, job.dataset] = job
            for name in job.step.inputs:
                maker = self._maker(name.format(dataset=job.dataset), job.step.part)
                if maker is not None:
                    pending += [
                        earlier
                        for earlier in self.jobs(maker.rule)
                        if earlier.seed == job.seed and earlier.dataset in (None, job.dataset)
                    ]
        return {rule: list(found[rule].values())[::-1] for rule in self.steps if rule in found}

    def _written_by(self, page: str) -> dict[str, Any]:
        path = self.paths.notebook(page).with_suffix(".json")
        return json.loads(path.read_text(encoding="utf-8"))

    def _read_all(self, name: str) -> pd.DataFrame:
        step = self._maker(f"{name}.csv")
        if step is None:
            raise InputError(f"no step of profile {self.profile.name!r} writes {name}.csv")
        file = next(output for output in step.outputs if output.endswith(f"{name}.csv"))
        parts = []
        for job in self.jobs(step.rule):
            place = {"seed": job.seed} | ({"dataset": job.dataset} if job.dataset else {})
            parts.append(job.read_table(file).assign(**place))
        return pd.concat(parts, ignore_index=True)

    def _maker(self, output: str, part: str | None = None) -> Step | None:
        """Return the step that writes a file; those of the main run come first."""
        makers = [
            step
            for step in self.own.values()
            if any(output in (name, name.removeprefix("data/")) for name in step.outputs)
            and part in (None, step.part)
        ]
        return min(makers, key=lambda step: step.part, default=None)
