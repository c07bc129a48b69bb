"""All claims beside each other: what the paper says, and what each run found."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Any

from IPython.display import HTML
from matplotlib.axes import Axes

from companion.book.panels import data_mark
from companion.config import Profile
from companion.figures.style import COLOURS, INK
from companion.paths import RunPaths
from companion.pipeline.provenance import machine
from companion.pipeline.recorded_runs import recorded_profiles, recorded_run
from companion.statistics.claims import Finding, load_claims, verdict_mark
from companion.statistics.interval import Interval


@dataclass(frozen=True)
class Source:
    """One run whose verdicts are shown: the fresh one, or a recorded one."""

    profile: str
    is_recorded: bool
    mark: str  # whose data, when, and on what
    claims: dict[str, dict[str, Any]]  # as notebooks write them
    pages: dict[str, str]  # the notebook that decides each claim

    @property
    def title(self) -> str:
        return f"{self.profile}, {'recorded' if self.is_recorded else 'fresh'}"


def sources(profile: Profile, notebooks: Iterable[str]) -> list[Source]:
    """Return the fresh run of a profile and all recorded runs.

    `notebooks` are those that decide claims.
    """
    notebooks = list(notebooks)
    mark = data_mark(profile.data.sources(), len(profile.seeds))
    fresh = _read(RunPaths(profile.name), notebooks, mark)
    recorded = []
    for name in recorded_profiles():
        run = recorded_run(name)
        mark = data_mark(run["data_sets"], len(run["profile"]["seeds"]))
        mark += f"; {run['finished'][:10]}, {machine(run['hardware'])}, commit {run['commit'][:7]}"
        recorded.append(_read(RunPaths(name, "results"), notebooks, mark))
    return [fresh, *recorded]


def claims_table(found: list[Source]) -> HTML:
    """Return the table of all claims, one row each and a column for every run."""
    head = "".join(
        f'<th scope="col">{escape(one.title)}<br><small>{escape(one.mark)}</small></th>'
        for one in found
    )
    rows = []
    for claim, text in load_claims().items():
        page = next((one.pages[claim] for one in found if claim in one.pages), "")
        figure, code = f"fig-{page.removeprefix('fig').replace('_', '-')}", "what-the-numbers-say"
        links = (
            f'<br><small><a href="{page}.html#{figure}" aria-label="figure of {claim}">figure</a>'
            f'<br><a href="{page}.html#{code}" aria-label="code of {claim}">code</a></small>'
        )
        cells = "".join(
            f'<td data-label="{escape(one.title)}">{_cell(one.claims.get(claim))}</td>'
            for one in found
        )
        rows.append(
            f'<tr id="{claim}"><th scope="row">{claim}{links if page else ""}</th>'
            f"<td>{escape(text['says'])} <small>({escape(text['where'])})</small><br>"
            f"<small><strong>Wanted {text['wanted']} {text['threshold']:g}.</strong> "
            f"{escape(text['reason'])}</small></td>{cells}</tr>"
        )
    return HTML(
        '<div class="verdicts all-claims"><table><thead><tr><th scope="col">Claim</th>'
        '<th scope="col">The paper says; what must be seen, and why</th>'
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def margins(axis: Axes, found: list[Source]) -> None:
    """Draw each check's number and interval less its threshold, signed so that right is agreement.

    What leaves the axis is drawn at its end.
    """
    labels: list[str] = []
    limit = 1.0
    for claim in load_claims():
        listed = [one.claims.get(claim, {}).get("checks", []) for one in found]
        for number in range(max(map(len, listed))):
            row = len(labels)
            for offset, checks, colour, marker in zip(
                (-0.15, 0.15, 0.3), listed, ("slug", "mse", "C"), "osD", strict=False
            ):
                if number >= len(checks):
                    continue
                check = checks[number]
                sign = 1 if check["side"] == "above" else -1
                low, value, high = (
                    sign * (check["interval"][end] - check["threshold"])
                    for end in ("low", "value", "high")
                )
                axis.plot(
                    [max(min(low, high), -limit), min(max(low, high), limit)],
                    [row + offset] * 2,
                    color=COLOURS[colour],
                )
                axis.plot(
                    min(max(value, -limit), limit), row + offset, marker, color=COLOURS[colour]
                )
            longest = max(listed, key=len)
            labels.append(f"{claim}: {longest[number]['metric']}")
    axis.axvline(0, color=INK, linewidth=1)
    axis.set_yticks(range(len(labels)), labels, fontsize=8)
    axis.set_ylim(len(labels) - 0.5, -0.5)
    axis.set_xlim(-limit * 1.06, limit * 1.06)  # room for whole markers at the ends
    axis.set_xlabel("number less threshold (right: as in the paper)")
    for one, colour, marker in zip(found, ("slug", "mse", "C"), "osD", strict=False):
        axis.plot([], [], color=COLOURS[colour], marker=marker, label=one.title)


def counts(one: Source) -> dict[str, int]:
    """Return how many claims got each verdict."""
    verdicts = [claim["verdict"] for claim in one.claims.values()]
    return {finding.value: verdicts.count(finding.value) for finding in Finding}


def _read(paths: RunPaths, notebooks: list[str], mark: str) -> Source:
    claims: dict[str, dict[str, Any]] = {}
    pages: dict[str, str] = {}
    for name in notebooks:
        path = paths.notebook(name).with_suffix(".json")
        if not path.is_file():  # a run recorded before these claims were judged
            continue
        content = json.loads(path.read_text(encoding="utf-8"))
        claims |= content["claims"]
        pages |= dict.fromkeys(content["claims"], name)
    return Source(paths.profile, paths.base == "results", mark, claims, pages)


def _cell(claim: dict[str, Any] | None) -> str:
    if claim is None:
        return "not judged in this run"
    numbers = "".join(
        f"<li>{escape(check['metric'])}: {Interval(**check['interval'])}</li>"
        for check in claim["checks"]
    )
    return verdict_mark(claim["verdict"]) + (f"<ul>{numbers}</ul>" if numbers else "")
