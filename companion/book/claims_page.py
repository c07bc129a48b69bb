"""All claims beside each other: what the paper says, and what each run found."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
from IPython.display import HTML
from matplotlib.axes import Axes

from companion.book.panels import data_mark
from companion.config import MIXED, Profile
from companion.figures.style import COLOURS, INK
from companion.paths import RunPaths, project_root
from companion.pipeline.recorded_runs import NETWORKS, recorded_profiles, recorded_run
from companion.statistics.claims import (
    Finding,
    Verdict,
    is_by_these_rules,
    load_claims,
    verdict_mark,
    what_decides,
)
from companion.statistics.interval import Interval

# Of a claim, or a rule for it, that is younger than a recorded run, or that needs more networks.
NOT_JUDGED = "not judged"
# What is counted even where no claim came out so.
ALWAYS_COUNTED = (Finding.REPRODUCED, Finding.INCONCLUSIVE, Finding.NOT_REPRODUCED)
# Colour and marker of each run, in their order.
MARKS = (("slug", "o"), ("mse", "s"), ("C", "D"), ("A", "^"))


@dataclass(frozen=True)
class Source:
    """One run whose verdicts are shown: the fresh one, or a recorded one."""

    profile: str
    is_recorded: bool
    mark: str  # whose data, when, and on what
    claims: dict[str, dict[str, Any]]  # as notebooks write them, by the rules of today
    pages: dict[str, str]  # the notebook that decides each claim

    @property
    def title(self) -> str:
        return f"{self.profile}, {'recorded' if self.is_recorded else 'fresh'}"


def sources(profile: Profile, notebooks: Iterable[str]) -> list[Source]:
    """Return all recorded runs, the longest first, and the fresh run of a profile.

    `notebooks` are those that decide claims.
    """
    notebooks = list(notebooks)
    recorded = []
    runs = {name: recorded_run(name) for name in recorded_profiles()}
    for name, run in sorted(runs.items(), key=lambda one: -len(one[1]["profile"]["seeds"])):
        recorded.append(_read(RunPaths(name, "results"), notebooks, _mark(run)))
    mark = data_mark(profile.data.sources(), len(profile.seeds))
    return [*recorded, _read(RunPaths(profile.name), notebooks, mark)]


def of_networks(profile: Profile, found: Mapping[str, Verdict], page: str) -> Source:
    """Return a recorded run of the networks of one training set alone.

    `page` is the one that shows it.
    """
    mark = f"{_mark(recorded_run(profile.name, NETWORKS))}; networks of {MIXED} alone"
    judged = {claim: verdict.as_dictionary() for claim, verdict in found.items()}
    return Source(profile.name, True, mark, judged, dict.fromkeys(judged, page))


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
            f"<small>{'<br>'.join(map(_wanted, text['checks'].values()))}</small></td>{cells}</tr>"
        )
    return HTML(
        '<div class="verdicts all-claims"><table><thead><tr><th scope="col">Claim</th>'
        '<th scope="col">The paper says; what must be seen, and why</th>'
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def error_rates(path: Path | None = None) -> pd.DataFrame:
    """Return how often each rule errs at so many runs, from `benchmarks/verdicts.py`."""
    path = path or project_root() / "benchmarks" / "results" / "verdicts.json"
    rates = pd.DataFrame(json.loads(path.read_text(encoding="utf-8"))["rates"])
    columns = (
        ("reproduced, though false", False, Finding.REPRODUCED),
        ("not reproduced, though true", True, Finding.NOT_REPRODUCED),
        ("inconclusive, though true", True, Finding.INCONCLUSIVE),
    )
    parts = {
        title: rates[rates["holds"] == holds].pivot_table(
            index="claim", columns="runs", values=finding.value
        )
        for title, holds, finding in columns
    }
    return pd.concat(parts, axis=1).map("{:.0%}".format)


def margins(axis: Axes, found: list[Source]) -> None:
    """Draw how far each check's number and interval lie on the right side of the threshold.

    What leaves the axis is drawn at its end.
    """
    labels: list[str] = []
    limit = 1.0
    offsets = [0.2 * (place - (len(found) - 1) / 2) for place in range(len(found))]
    for claim in load_claims():
        listed = [one.claims.get(claim, {}).get("checks", []) for one in found]
        for number in range(max(map(len, listed))):
            row = len(labels)
            for offset, checks, (colour, marker) in zip(offsets, listed, MARKS, strict=False):
                if number >= len(checks):
                    continue
                low, value, high = sorted(_margins(checks[number]))
                axis.plot(
                    [max(low, -limit), min(high, limit)],
                    [row + offset] * 2,
                    color=COLOURS[colour],
                )
                axis.plot(
                    min(max(value, -limit), limit), row + offset, marker, color=COLOURS[colour]
                )
            longest = max(listed, key=len)
            labels.append(f"{claim}: {longest[number]['metric']}")
    axis.axvline(0, color=INK, linewidth=1)
    for row in range(1, len(labels), 2):  # so that each mark is seen to belong to its row
        axis.axhspan(row - 0.5, row + 0.5, color=INK, alpha=0.08, linewidth=0)
    axis.set_yticks(range(len(labels)), labels, fontsize=7)
    axis.set_ylim(len(labels) - 0.5, -0.5)
    axis.set_xlim(-limit * 1.06, limit * 1.06)  # room for whole markers at the ends
    axis.set_xlabel("how far on the right side of the threshold")
    for one, (colour, marker) in zip(found, MARKS, strict=False):
        axis.plot([], [], color=COLOURS[colour], marker=marker, label=one.title)


def _margins(check: dict[str, Any]) -> list[float]:
    """Return value and ends of an interval as distances on the right side of the threshold."""
    ends = [check["interval"][end] for end in ("low", "value", "high")]
    # A single run has no interval: its mark stands alone.
    ends = [check["interval"]["value"] if number != number else number for number in ends]
    match check["wanted"]:
        case "above":
            return [number - check["threshold"] for number in ends]
        case "below":
            return [check["threshold"] - number for number in ends]
    return [check["threshold"] - abs(number) for number in ends]


def _wanted(rule: dict[str, Any]) -> str:
    side = "within ±" if rule["wanted"] == "within" else f"{rule['wanted']} "
    return f"<strong>Wanted {side}{rule['threshold']:g}.</strong> {escape(rule['reason'])}"


def counts(one: Source) -> dict[str, int]:
    """Return how many claims got each verdict, and how many none; they add up to all claims."""
    verdicts = [claim["verdict"] for claim in one.claims.values()]
    found = {finding.value: verdicts.count(finding.value) for finding in Finding}
    return found | {NOT_JUDGED: len(load_claims()) - len(verdicts)}


def counts_table(found: list[Source]) -> HTML:
    """Return how many claims got which verdict, one row for each run."""
    counted = [counts(one) for one in found]
    always = [finding.value for finding in ALWAYS_COUNTED]
    columns = [name for name in counted[0] if name in always or any(row[name] for row in counted)]
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    rows = [
        f'<tr><th scope="row">{escape(one.title)}<br><small>{escape(one.mark)}</small></th>'
        + "".join(f"<td>{row[name]}</td>" for name in columns)
        + "</tr>"
        for one, row in zip(found, counted, strict=True)
    ]
    return HTML(
        '<div class="verdicts"><table><thead><tr><th scope="col">Claims</th>'
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _mark(run: Mapping[str, Any]) -> str:
    """Return what is said of a recorded run: data, runs, day, machines and commits."""
    first, *others = run["commits"]
    commits = f"{len(others) + 1} commits up to {others[-1]}" if others else f"commit {first}"
    profile = run["profile"]
    data = data_mark(run["data_sets"], len(profile["seeds"]))
    data += f", {profile['data']['image_size']} pixels a side"
    return f"{data}; {run['finished'][:10]}, {', '.join(run['machines'])}, {commits}"


def _read(paths: RunPaths, notebooks: list[str], mark: str) -> Source:
    claims: dict[str, dict[str, Any]] = {}
    pages: dict[str, str] = {}
    for name in notebooks:
        path = paths.notebook(name).with_suffix(".json")
        if not path.is_file():  # a run recorded before these claims were judged
            continue
        content = json.loads(path.read_text(encoding="utf-8"))["claims"]
        judged = {claim: one for claim, one in content.items() if is_by_these_rules(claim, one)}
        claims |= judged
        pages |= dict.fromkeys(judged, name)
    return Source(paths.profile, paths.base == "results", mark, claims, pages)


def _cell(claim: dict[str, Any] | None) -> str:
    if claim is None:
        return NOT_JUDGED
    listed = [claim["premise"]] if "premise" in claim else []
    numbers = "".join(
        f"<li>{escape(check['metric'])}: {Interval(**check['interval'])}{_power(check)}</li>"
        for check in [*listed, *claim["checks"]]
    )
    why = f"<br><small>{escape(claim['untestable'])}</small>" if "untestable" in claim else ""
    return verdict_mark(claim["verdict"]) + why + (f"<ul>{numbers}</ul>" if numbers else "")


def _power(check: dict[str, Any]) -> str:
    """Say what would decide what these runs leave open."""
    needed = check["runs_needed"]
    if check.get("finding") != Finding.INCONCLUSIVE.value or not math.isfinite(needed):
        return ""
    return f" <small>({check['runs']} runs; {what_decides(check['runs'], needed)})</small>"
