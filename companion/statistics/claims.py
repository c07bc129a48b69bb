"""The paper's claims and what our numbers say about them: a verdict follows from checks alone."""

import functools
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from html import escape
from typing import Any, Literal

import yaml
from IPython.display import HTML

from companion.config import Profile
from companion.paths import project_root
from companion.statistics.interval import Interval
from slugkit.errors import InputError

# The foreign objects that the paper's Figure 4 shows.
OBJECTS = ("ruler", "ink", "patch")
# The skin types that the paper calls light and dark.
LIGHT, DARK = (1, 2), (5, 6)

Wanted = Literal["above", "below", "within"]


class Finding(Enum):
    """The possible verdicts."""

    REPRODUCED = "reproduced"
    INCONCLUSIVE = "inconclusive"
    NOT_REPRODUCED = "not reproduced"
    PREMISE_FAILS = "premise fails"
    NOT_TESTABLE = "not testable"
    CONFIRMED = "limitation confirmed"
    REMOVED = "limitation removed"


@dataclass(frozen=True)
class Check:
    """One number, with its interval, that must lie above, below or within a threshold.

    >>> Check("rank correlation", Interval(0.7, 0.6, 0.8), "above", 0.5).finding
    <Finding.REPRODUCED: 'reproduced'>
    >>> Check("rank correlation", Interval(0.55, 0.4, 0.7), "above", 0.5).finding
    <Finding.INCONCLUSIVE: 'inconclusive'>
    >>> Check("rank correlation", Interval(0.2, 0.1, 0.3), "above", 0.5).finding
    <Finding.NOT_REPRODUCED: 'not reproduced'>
    >>> Check("rank correlation", Interval(-0.1, -0.2, 0.1), "within", 0.3).finding
    <Finding.REPRODUCED: 'reproduced'>
    """

    metric: str
    interval: Interval
    wanted: Wanted
    threshold: float
    runs: int = 1
    runs_needed: float = math.nan  # for an interval this far from the threshold to leave it

    @property
    def finding(self) -> Finding:
        """What the whole interval says; one without ends says nothing."""
        low, high = self.interval.low, self.interval.high
        if math.isnan(self.interval.value) or math.isnan(low) or math.isnan(high):
            return Finding.INCONCLUSIVE if self.runs == 1 else Finding.NOT_TESTABLE
        match self.wanted:
            case "above":
                right, wrong = low > self.threshold, high < self.threshold
            case "below":
                right, wrong = high < self.threshold, low > self.threshold
            case "within":
                right = -self.threshold < low and high < self.threshold
                wrong = low > self.threshold or high < -self.threshold
        if right:
            return Finding.REPRODUCED
        return Finding.NOT_REPRODUCED if wrong else Finding.INCONCLUSIVE


@dataclass(frozen=True)
class Verdict:
    """What the checks of one claim say together."""

    claim: str
    checks: tuple[Check, ...]
    untestable: str = ""  # why the data cannot decide it; the numbers stand all the same
    premise: Check | None = None  # without which the checks are about nothing

    @property
    def verdict(self) -> Finding:
        """Reproduced if all checks say so, not reproduced if one does, else inconclusive."""
        findings = {check.finding for check in self.checks}
        if self.untestable or not findings or Finding.NOT_TESTABLE in findings:
            return Finding.NOT_TESTABLE
        if self.premise is not None and self.premise.finding is Finding.NOT_REPRODUCED:
            return Finding.PREMISE_FAILS
        if Finding.NOT_REPRODUCED in findings:
            found = Finding.NOT_REPRODUCED
        else:
            found = findings.pop() if len(findings) == 1 else Finding.INCONCLUSIVE
        if load_claims()[self.claim].get("limitation"):
            limits = {
                Finding.REPRODUCED: Finding.CONFIRMED,
                Finding.NOT_REPRODUCED: Finding.REMOVED,
            }
            return limits.get(found, found)
        return found

    def as_dictionary(self) -> dict[str, Any]:
        """Return plain values, to be written as JSON."""
        checks = [{**asdict(check), "finding": check.finding.value} for check in self.checks]
        content: dict[str, Any] = {"verdict": self.verdict.value, "checks": checks}
        if self.untestable:
            content["untestable"] = self.untestable
        if self.premise is not None:
            content["premise"] = asdict(self.premise)
        return content


@functools.cache
def load_claims() -> dict[str, dict[str, Any]]:
    """Return the claims of book/claims.yml by their identifier."""
    return yaml.safe_load((project_root() / "book" / "claims.yml").read_text(encoding="utf-8"))


def check(
    claim: str,
    name: str,
    metric: str,
    interval: Interval,
    *,
    runs: int = 1,
    runs_needed: float = math.nan,
) -> Check:
    """Return the check of a number against the threshold that book/claims.yml sets for it.

    >>> check("C7", "rank_correlation", "rank correlation", Interval(0.7, 0.6, 0.8)).threshold
    0.5

    Raises
    ------
    InputError
        The claim, or this check of it, is not listed there.
    """
    rule = rule_of(claim, name)
    return Check(metric, interval, rule["wanted"], rule["threshold"], runs, runs_needed)


def rule_of(claim: str, name: str) -> dict[str, Any]:
    """Return what book/claims.yml says of one check of a claim."""
    _must_be_listed([claim])
    rules = load_claims()[claim]["checks"]
    if name not in rules:
        raise InputError(f"claim {claim} has no check {name!r} in book/claims.yml: add it there")
    return rules[name]


def premise(claim: str, interval: Interval, runs: int = 1) -> Check:
    """Return the check of what a claim presupposes."""
    _must_be_listed([claim])
    rule = load_claims()[claim]["premise"]
    return Check(rule["metric"], interval, "below", rule["threshold"], runs)


def untestable(claim: str, profile: Profile) -> str:
    """Return why the data of a profile cannot decide a claim, or nothing if they can."""
    needs, skin = load_claims()[claim]["needs"], profile.data.skin
    if "synthetic" in profile.data.sources():
        return "synthetic images: numbers only"
    if needs == "groups" and (tuple(skin.light), tuple(skin.dark)) != (LIGHT, DARK):
        return "light and dark are not the paper's groups, FST I-II and V-VI"
    if needs == "external" and profile.data.external is None:
        return "no external images"
    return ""


def verdicts(
    checks: Mapping[str, list[Check]],
    profile: Profile,
    premises: Mapping[str, Check] | None = None,
) -> dict[str, Verdict]:
    """Return the verdict on each claim, given the checks that decide it.

    Raises
    ------
    InputError
        A claim is not listed in book/claims.yml.
    """
    _must_be_listed(checks)
    return {
        claim: Verdict(
            claim, tuple(listed), untestable(claim, profile), (premises or {}).get(claim)
        )
        for claim, listed in checks.items()
    }


def is_by_these_rules(claim: str, content: Mapping[str, Any]) -> bool:
    """Whether a verdict that was written down follows from the checks that book/claims.yml has now.

    A run that was recorded before a rule changed has numbers, but no verdict by it.

    >>> is_by_these_rules("C7", {"verdict": "partly reproduced", "checks": []})
    False
    """
    rules = load_claims()[claim]["checks"].values()
    known = {(rule["wanted"], rule["threshold"]) for rule in rules}
    used = {(one.get("wanted"), one["threshold"]) for one in content["checks"]}
    return used <= known and content["verdict"] in {finding.value for finding in Finding}


def _must_be_listed(claims: Iterable[str]) -> None:
    unknown = sorted(set(claims) - set(load_claims()))
    if unknown:
        raise InputError(f"claims {', '.join(unknown)} are not in book/claims.yml: add them there")


def verdict_table(found: Mapping[str, Verdict]) -> HTML:
    """Return a table of claims, the numbers behind them and the verdicts."""
    rows = []
    for claim, verdict in found.items():
        text = load_claims()[claim]
        listed = [verdict.premise] if verdict.premise is not None else []
        numbers = "<br>".join(map(_sentence, [*listed, *verdict.checks])) or "no suitable images"
        why = f"<br><small>{escape(verdict.untestable)}</small>" if verdict.untestable else ""
        rows.append(
            f'<tr><th scope="row">{claim}</th><td>{escape(text["says"])} '
            f"({escape(text['where'])})</td><td>{numbers}</td>"
            f"<td>{verdict_mark(verdict.verdict.value)}{why}</td></tr>"
        )
    return HTML(
        '<div class="verdicts"><table><thead><tr><th scope="col">Claim</th>'
        '<th scope="col">The paper says</th><th scope="col">Here</th>'
        f'<th scope="col">Verdict</th></tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def verdict_mark(verdict: str) -> str:
    """Return a verdict as HTML, with a class that the style sheet colours.

    >>> verdict_mark("not reproduced")
    '<strong class="verdict not-reproduced">not reproduced</strong>'
    """
    name = verdict.replace(" ", "-")
    return f'<strong class="verdict {name}">{escape(verdict)}</strong>'


def what_decides(runs: int, needed: float) -> str:
    """Say what would decide a check that so many runs have left open.

    >>> what_decides(5, 23.0)
    'about 23 runs would decide'
    >>> what_decides(10, 2.0)
    'more patients would decide, not more runs'
    """
    if needed <= runs:
        return "more patients would decide, not more runs"
    return f"about {needed:.0f} runs would decide"


def _sentence(check: Check) -> str:
    side = "within ±" if check.wanted == "within" else f"{check.wanted} "
    power = ""
    if check.finding is Finding.INCONCLUSIVE and math.isfinite(check.runs_needed):
        power = f"; {what_decides(check.runs, check.runs_needed)}"
    return f"{escape(check.metric)}: {check.interval}, wanted {side}{check.threshold:g}{power}"
