"""One job of a step: the paths of its files, and how it runs."""

import contextlib
import hashlib
import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from companion.config import Profile
from companion.paths import RunPaths
from companion.pipeline.provenance import recorded
from companion.pipeline.steps import Step
from companion.pipeline.store import Images, load_array, load_table, save_array, save_table
from slugkit.errors import InputError
from slugkit.files import sha256


@dataclass(frozen=True)
class Job:
    """A step for one seed, and for one training set where it has a network."""

    step: Step
    profile: Profile  # of the part of the run that the step belongs to
    seed: int
    dataset: str | None = None
    base: str = "runs"

    def file(self, name: str) -> Path:
        """Return the path of a file: `data/...` with the seed's images, else with the network."""
        paths = RunPaths(self.profile.name, self.base)
        if self.dataset is None or name.startswith("data/"):
            return paths.prepared(self.seed) / name.removeprefix("data/")
        return paths.trained(self.dataset, self.seed) / name.format(dataset=self.dataset)

    def inputs(self) -> list[Path]:
        return [self.file(name.format(dataset=self.dataset)) for name in self.step.inputs]

    def outputs(self) -> list[Path]:
        return [self.file(name.format(dataset=self.dataset)) for name in self.step.outputs]

    @property
    def record(self) -> Path:
        """The provenance record, which is written last."""
        return self.file(f"{self.step.name}.json")

    def read_record(self) -> dict[str, Any]:
        return json.loads(self.record.read_text(encoding="utf-8"))

    def read_table(self, name: str) -> pd.DataFrame:
        return load_table(self.file(name))

    def read_array(self, name: str) -> np.ndarray:
        """Return an array, mapped into memory."""
        return load_array(self.file(name))

    def read_images(self, name: str, table: str) -> Images:
        """Return the array of a table's images, to be asked by identifier."""
        return Images.of(self.read_table(table), self.read_array(name))

    def save_table(self, name: str, table: pd.DataFrame) -> None:
        save_table(self.file(name), table)

    def save_array(self, name: str, array: np.ndarray) -> None:
        save_array(self.file(name), array)

    @contextlib.contextmanager
    def checkpoint(self, name: str) -> Iterator[Path]:
        """Give a file from which a killed job goes on; it is removed when the block has ended well.

        Its name holds a digest of inputs and settings, so that no job goes on from another one's.
        """
        known = [self.profile.digest(*self.step.settings), *map(sha256, self.inputs())]
        digest = hashlib.sha256(":".join(known).encode()).hexdigest()[:12]
        stem, _, ending = name.partition(".")
        path = self.file(f"{stem}-{digest}" + (f".{ending}" if ending else ""))
        yield path
        path.unlink(missing_ok=True)


def jobs_of(step: Step, profile: Profile, base: str = "runs") -> list[Job]:
    """Return all jobs of a step in the run of a profile."""
    own = profile.part(step.part)
    return [Job(step, own, seed, dataset, base) for seed, dataset in step.places(own)]


def execute(step: Step, profile: Profile, seed: int, dataset: str | None) -> None:
    """Run one job and write its record.

    Raises
    ------
    InputError
        The step has no such job, or cannot do it.
    """
    jobs = {(job.seed, job.dataset): job for job in jobs_of(step, profile)}
    if (seed, dataset) not in jobs:
        seeds, datasets = (list(dict.fromkeys(known)) for known in zip(*jobs, strict=True))
        raise InputError(
            f"step {step.rule} of profile {profile.name!r} has no job of seed {seed}"
            + (f" and training set {dataset}" if dataset else "")
            + f"; choose from the seeds {', '.join(map(str, seeds))}"
            + (f" and the training sets {', '.join(datasets)}" if dataset else "")
        )
    job = jobs[seed, dataset]
    module, _, function = step.run.partition(":")
    run = getattr(importlib.import_module(module), function)
    facts = {"dataset": dataset} if dataset else {}
    with recorded(
        job.record,
        job.profile,
        step=step.name,
        inputs=job.inputs(),
        outputs=job.outputs(),
        seed=seed,
        **facts,
    ) as found:
        run(job, found)
