"""What a notebook of the book opens first: the results of one run, made first where missing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from IPython.display import HTML, display
from matplotlib.figure import Figure
from myst_nb import glue

from companion.book import panels
from companion.config import MIXED
from companion.experiments import page_named, sections_of, steps
from companion.figures.style import apply_style, save_figure
from companion.paths import RunPaths
from companion.pipeline import graph
from companion.pipeline.provenance import commit, hardware, interpreter, machine, versions
from companion.pipeline.recorded_runs import NETWORKS, recorded_profiles, recorded_run
from companion.pipeline.steps import Page
from companion.profiles import load_profile, make_profile
from companion.run import Run
from companion.statistics.claims import Check, verdict_table, verdicts
from slugkit.errors import InputError
from slugkit.files import atomic_path
from slugkit.progress import format_duration

# The recorded run on real images that pages show beside the run of the clone.
REAL_RUN = "reduced"
# Of these, only the networks of the mixed training set are made: at the paper's size, and with the
# images of the one and the network of the other.
LARGE_RUN, BOTTLENECK_RUN = "large", "bottleneck"


@dataclass(frozen=True)
class PageRun(Run):
    """The results that one page shows, and what it leaves for other pages."""

    page: Page = field(kw_only=True)
    written_to: RunPaths = field(kw_only=True)  # the run whose book the page belongs to

    @property
    def digest(self) -> str:
        """Of what the profile says about this page."""
        return self.profile.digest(*sections_of(self.page))

    def finish(
        self,
        figure: Figure,
        numbers: Mapping[str, float | int | str],
        checks: Mapping[str, list[Check]] | None = None,
        premises: Mapping[str, Check] | None = None,
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
        premises
            For claims that presuppose something, the check of it.
        """
        found = verdicts(checks or {}, self.profile, premises)
        for name, value in numbers.items():
            glue(name, value, display=False)
        for claim, verdict in found.items():
            glue(f"verdict_{claim}", verdict.verdict.value, display=False)
        target = self.written_to.notebook(self.page.name)
        save_figure(figure, target.with_suffix(".svg"))
        content = {
            "profile": self.profile.name,
            "profile_digest": self.digest,
            "numbers": dict(numbers),
            "claims": {claim: verdict.as_dictionary() for claim, verdict in found.items()},
        }
        with atomic_path(target.with_suffix(".json")) as partial:
            partial.write_text(json.dumps(content, indent=1) + "\n")
        if found:
            display(verdict_table(found))
        display(self._provenance())

    def _provenance(self) -> HTML:
        # What has no step of its own is made from the scores.
        jobs = self.leading_to(self.page.shows or ("scores",))
        records = {rule: [job.read_record() for job in made] for rule, made in jobs.items()}
        seconds = {
            rule: sum(record["duration_seconds"] for record in made)
            for rule, made in records.items()
        }
        (prepare,) = (made for rule, made in records.items() if rule.endswith("prepare"))
        last = list(jobs.values())[-1]
        origin = self._origin()
        dirty = ", with uncommitted changes" if origin["dirty"] else ""
        facts = {
            "command": f"make book PROFILE={self.profile.name}",
            "notebook": f"notebooks/{self.page.name}.py, run by {interpreter()}",
            "commit": ", ".join(origin["commits"]) + dirty,
            "profile": f"{self.profile.name}, digest {self.digest}",
            "data sets": self.profile.data.sources(),
            "images": prepare[0]["counts"],
            "seeds": list(last[0].profile.seeds),
            "time, job after job": {rule: format_duration(took) for rule, took in seconds.items()},
            "trained models": _checkpoints(records),
            "hardware": origin["machines"],
            "packages": origin["packages"],
        }
        return panels.provenance_panel(
            facts, f"How this was made, in {format_duration(sum(seconds.values()))}, job after job"
        )

    def _origin(self) -> dict[str, Any]:
        if self.base == "results":
            return recorded_run(self.profile.name)
        made = commit()
        return {
            "commits": [made["commit"][:12]],
            "dirty": made["dirty"],
            "machines": [machine(hardware())],
            "packages": versions(),
        }


def open_run(page: str, profile: str) -> PageRun:
    """Return the results that a page shows, and show its data mark.

    Outside the graph, what is missing or out of date is made first, with its progress shown.

    Raises
    ------
    InputError
        The profile is unknown, its data are absent, or a step failed.
    """
    loaded, declared = load_profile(profile), page_named(page)
    if not graph.inside_graph():
        graph.make_outside(profile, f"for_{page}")
    apply_style()
    pd.options.display.float_format = "{:.4g}".format
    display(panels.banner(loaded))
    return PageRun(loaded, steps(), page=declared, written_to=RunPaths(profile))


def open_recorded(page: str, profile: str, shown_in: str) -> PageRun:
    """Return the results of a recorded run, to be shown in the book of another one.

    Raises
    ------
    InputError
        No run of that profile is recorded.
    """
    loaded = _recorded_profile(profile)
    if loaded is None:
        raise InputError(
            f"no run of profile {profile!r} is recorded: make one, then `make record "
            f"PROFILE={profile}`"
        )
    apply_style()
    display(panels.banner(loaded))
    return PageRun(loaded, steps(), "results", page=page_named(page), written_to=RunPaths(shown_in))


def find_recorded(table: str, profile: str = REAL_RUN) -> Run | None:
    """Return the recorded run of a profile if it holds a table of that name, else None."""
    loaded = _recorded_profile(profile)
    run = None if loaded is None else Run(loaded, steps(), "results")
    return run if run is not None and run.has_table(table) else None


def find_recorded_networks(profile: str = LARGE_RUN) -> Run | None:
    """Return what is recorded of a profile's networks of the mixed training set, else None."""
    if profile not in recorded_profiles(NETWORKS):
        return None
    loaded = make_profile(recorded_run(profile, NETWORKS)["profile"])
    return Run(loaded, steps(), "results", MIXED)


def _recorded_profile(name: str) -> Any:
    if name not in recorded_profiles():
        return None
    return make_profile(recorded_run(name)["profile"])


def _checkpoints(records: dict[str, list[dict[str, Any]]]) -> list[str] | str:
    found = [
        f"{record['dataset']}, seed {record['seed']}: sha256 {digest[:12]}"
        for rule, made in records.items()
        if rule.endswith("train")
        for record in made
        for path, digest in record["outputs"].items()
        if path.endswith("model.msgpack")
    ]
    return found or "none"
