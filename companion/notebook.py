"""What a notebook of the book opens first: the results of one run, made first where missing."""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import HTML, display
from matplotlib.figure import Figure
from myst_nb import glue

from companion.book import panels
from companion.config import Profile, load_profile
from companion.experiments import DATASET as EXPERIMENT_DATASET
from companion.experiments import EXPERIMENTS, IN_THE_LABORATORY
from companion.experiments.baselines.records import load_comparisons
from companion.figures.style import apply_style, save_figure
from companion.paths import DATASETS, RunPaths
from companion.pipeline import graph
from companion.pipeline.provenance import commit, hardware, versions
from companion.pipeline.recorded_runs import recorded_profiles, recorded_run
from companion.pipeline.tables import load_array, load_table
from companion.statistics.claims import Check, verdict_table, verdicts
from slugkit.errors import InputError
from slugkit.files import atomic_path
from slugkit.progress import format_duration

# The main way; the time of a page is that of its own step and of all before.
STEPS = ("prepare", "train", "curvature", "scores")


@dataclass(frozen=True)
class Run:
    """The results of one profile, as tables over all its seeds."""

    notebook: str
    profile: Profile
    paths: RunPaths
    shown_in: RunPaths | None = None  # the run whose book this notebook belongs to

    @functools.cached_property
    def scores(self) -> pd.DataFrame:
        """One row per (training set, seed, test image); see `steps.scores` for the columns."""
        return self._over_models("scores.csv")

    @functools.cached_property
    def losses(self) -> pd.DataFrame:
        """One row per (training set, seed, epoch)."""
        return self._over_models("losses.csv")

    @functools.cached_property
    def train_images(self) -> pd.DataFrame:
        """One row per (seed, training set, image)."""
        return self._over_seeds("train.csv")

    @functools.cached_property
    def test_images(self) -> pd.DataFrame:
        """One row per (seed, test image)."""
        return self._over_seeds("test.csv")

    @functools.cached_property
    def eigenpairs(self) -> pd.DataFrame:
        """One row per (training set, seed, rank): eigenvalue and relative residual."""
        return self._over_models("eigenpairs.csv")

    @functools.cached_property
    def traces(self) -> pd.DataFrame:
        """One row per (training set, seed): the trace of G and its share in the eigenpairs."""
        return self._over_models("trace.csv")

    @functools.cached_property
    def comparisons(self) -> pd.DataFrame:
        """One row per (seed, test image, comparator); see `steps.comparisons` for the columns."""
        folders = [self.paths.trained(EXPERIMENT_DATASET, seed) for seed in self.profile.seeds]
        tables = [load_comparisons(folder / "comparisons.csv") for folder in folders]
        return pd.concat(tables, ignore_index=True)

    def comparison_costs(self) -> tuple[pd.DataFrame, dict[str, list[float]]]:
        """Return what each comparator cost, and the seconds that it took under each seed."""
        seeds = self.profile.seeds
        costs = load_table(self.paths.trained(EXPERIMENT_DATASET, seeds[0]) / "costs.csv")
        records = [self.record("comparisons", seed, EXPERIMENT_DATASET) for seed in seeds]
        names = costs["comparator"]
        return costs, {name: [one["seconds"][name] for one in records] for name in names}

    def experiment(self, name: str) -> pd.DataFrame:
        """Return the table of one experiment; see `companion.experiments`."""
        folder = self.paths.trained(EXPERIMENT_DATASET, self.profile.seeds[0])
        return load_table(folder / f"{name}.csv")

    def measured(self, name: str) -> pd.DataFrame:
        """Return a table that lies beside the network of data set B, over all seeds."""
        return pd.concat(
            [
                load_table(self.paths.trained(EXPERIMENT_DATASET, seed) / f"{name}.csv").assign(
                    seed=seed
                )
                for seed in self.profile.seeds
            ],
            ignore_index=True,
        )

    @functools.cached_property
    def laboratory(self) -> "Run":
        """The results in the ablation's own setting, which has seeds of its own."""
        small = self.profile.laboratory()
        return Run(self.notebook, small, RunPaths(small.name, self.paths.base))

    def array(self, name: str, seed: int, dataset: str | None = None) -> np.ndarray:
        """Return an array of one seed's data, or of one model if `dataset` is given."""
        folder = self.paths.trained(dataset, seed) if dataset else self.paths.prepared(seed)
        return load_array(folder / f"{name}.npy")

    def record(self, step: str, seed: int, dataset: str | None = None) -> dict[str, Any]:
        """Return the provenance record of one step."""
        folder = self.paths.trained(dataset, seed) if dataset else self.paths.prepared(seed)
        return json.loads((folder / f"{step}.json").read_text())

    def finish(
        self,
        figure: Figure,
        numbers: Mapping[str, float | int | str],
        checks: Mapping[str, list[Check]] | None = None,
    ) -> None:
        """Show the verdicts and the provenance, and write what other pages read.

        Parameters
        ----------
        figure
            The notebook's figure, written as <notebook>.svg.
        numbers
            Named numbers that the prose of the book quotes.
        checks
            For each claim that this notebook bears on, the checks that decide it; an empty list
            for a claim that this data cannot test.
        """
        found = verdicts(checks or {})
        for name, value in numbers.items():
            glue(name, value, display=False)
        for claim, verdict in found.items():
            glue(f"verdict_{claim}", verdict.verdict.value, display=False)
        target = (self.shown_in or self.paths).notebook(self.notebook)
        save_figure(figure, target.with_suffix(".svg"))
        content = {
            "profile": self.profile.name,
            "profile_digest": self.profile.digest(),
            "numbers": dict(numbers),
            "claims": {claim: verdict.as_dictionary() for claim, verdict in found.items()},
        }
        with atomic_path(target.with_suffix(".json")) as partial:
            partial.write_text(json.dumps(content, indent=1) + "\n")
        if found:
            display(verdict_table(found))
        display(self._provenance())

    def _provenance(self) -> HTML:
        step = graph.NOTEBOOKS[self.notebook]
        # What has no step of its own is made from the scores.
        step = "scores" if step in ("claims", "recorded", "status") else step
        made_in, before = self, STEPS[: _place(step)]
        if step in IN_THE_LABORATORY:
            made_in, before = self.laboratory, ()
        records = {
            name: [made_in.record(name, *one) for one in made_in._leading_to(step, name)]
            for name in dict.fromkeys([*before, step])
        }
        seconds = {
            name: sum(record["duration_seconds"] for record in found)
            for name, found in records.items()
        }
        origin = self._origin()
        dirty = ", with uncommitted changes" if origin["dirty"] else ""
        facts = {
            "command": f"make book PROFILE={self.profile.name}",
            "notebook": f"notebooks/{self.notebook}.py",
            "commit": origin["commit"][:12] + dirty,
            "profile": f"{self.profile.name}, digest {origin['profile_digest']}",
            "data sets": self.profile.data.sources(),
            "images": made_in.record("prepare", made_in.profile.seeds[0])["counts"],
            "seeds": list(made_in.profile.seeds),
            "time on one core": {name: format_duration(took) for name, took in seconds.items()},
            "trained models": _checkpoints(records.get("train", [])),
            "hardware": origin["hardware"],
            "packages": origin["packages"],
        }
        return panels.provenance_panel(
            facts, f"How this was made, in {format_duration(sum(seconds.values()))} on one core"
        )

    def _origin(self) -> dict[str, Any]:
        if self.shown_in is not None:
            return recorded_run(self.profile.name)
        return {
            **commit(),
            "profile_digest": self.profile.digest(),
            "hardware": hardware(),
            "packages": versions(),
        }

    def numbers(self, notebook: str) -> dict[str, float]:
        """Return the named numbers that another notebook wrote."""
        path = self.paths.notebook(notebook).with_suffix(".json")
        return json.loads(path.read_text())["numbers"]

    def _made_by(self, step: str) -> list[tuple[int, str | None]]:
        """Return the (seed, data set) of each job of a step."""
        seeds = self.profile.seeds
        if step in EXPERIMENTS:
            return [(seeds[0], EXPERIMENT_DATASET)]
        if step in ("comparisons", "objects", *IN_THE_LABORATORY):
            return [(seed, EXPERIMENT_DATASET) for seed in seeds]
        datasets: tuple[str | None, ...] = (None,) if step == "prepare" else tuple(DATASETS)
        return [(seed, dataset) for seed in seeds for dataset in datasets]

    def _leading_to(self, step: str, name: str) -> list[tuple[int, str | None]]:
        """Return the jobs of an earlier step that those of a step follow from."""
        seeds, datasets = (set(part) for part in zip(*self._made_by(step), strict=True))
        return [
            (seed, dataset)
            for seed, dataset in self._made_by(name)
            if seed in seeds and dataset in datasets | {None}
        ]

    def _over_models(self, name: str) -> pd.DataFrame:
        return pd.concat(
            [
                load_table(self.paths.trained(dataset, seed) / name).assign(
                    dataset=dataset, seed=seed
                )
                for seed in self.profile.seeds
                for dataset in DATASETS
            ],
            ignore_index=True,
        )

    def _over_seeds(self, name: str) -> pd.DataFrame:
        return pd.concat(
            [
                load_table(self.paths.prepared(seed) / name).assign(seed=seed)
                for seed in self.profile.seeds
            ],
            ignore_index=True,
        )


def open_run(notebook: str, profile: str) -> Run:
    """Return the results that a notebook shows, and show its data mark.

    Outside the graph, what is missing or out of date is made first, with its progress shown.

    Raises
    ------
    InputError
        The profile is unknown, its data are absent, or a step failed.
    """
    loaded = load_profile(profile)
    if not graph.inside_graph():
        graph.make(profile, f"{graph.NOTEBOOKS[notebook]}_all")
    apply_style()
    pd.options.display.float_format = "{:.4g}".format
    sources = loaded.data.sources()
    mark = panels.banner(profile, sources)
    display(mark)
    return Run(notebook, loaded, RunPaths(profile))


def open_recorded(notebook: str, profile: str, shown_in: str) -> Run:
    """Return the results of a recorded run, to be shown in the book of another one.

    Raises
    ------
    InputError
        No run of that profile is recorded.
    """
    if profile not in recorded_profiles():
        raise InputError(
            f"no run of profile {profile!r} is recorded: make one, then `make record "
            f"PROFILE={profile}`"
        )
    content = recorded_run(profile)
    apply_style()
    display(panels.banner(profile, content["data_sets"]))
    return Run(
        notebook,
        Profile(**content["profile"]),
        RunPaths(profile, "results"),
        RunPaths(shown_in),
    )


def find_recorded(table: str, profile: str = "reduced") -> Run | None:
    """Return the recorded run of a profile if it holds a table of that name, else None.

    The run is that of the ablation's own setting if the table belongs there.
    """
    if profile not in recorded_profiles():
        return None
    settings = Profile(**recorded_run(profile)["profile"])
    run = Run("recorded", settings, RunPaths(profile, "results"))
    if table in IN_THE_LABORATORY:
        if settings.experiments.ablation is None:
            return None
        run = run.laboratory
    folder = run.paths.trained(EXPERIMENT_DATASET, run.profile.seeds[0])
    return run if (folder / f"{table}.csv").is_file() else None


def _place(step: str) -> int:
    """How many steps of the main way come before a step; experiments follow the curvature."""
    return STEPS.index(step) if step in STEPS else STEPS.index("scores")


def _checkpoints(records: list[dict[str, Any]]) -> list[str] | str:
    found = [
        f"{record['dataset']}, seed {record['seed']}: sha256 {digest[:12]}"
        for record in records
        for path, digest in record["outputs"].items()
        if path.endswith("model.msgpack")
    ]
    return found or "none"
