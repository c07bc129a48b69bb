"""The paper's claims and what our numbers say about them: a verdict follows from checks alone."""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from html import escape
from typing import Any, Literal

import yaml
from IPython.display import HTML

from companion.paths import project_root
from companion.statistics.interval import Interval
from slugkit.errors import InputError

# The foreign objects that the paper's Figure 4 shows.
OBJECTS = ("ruler", "ink", "patch")


class Finding(Enum):
    """The four possible verdicts."""

    REPRODUCED = "reproduced"
    PARTLY = "partly reproduced"
    NOT_REPRODUCED = "not reproduced"
    NOT_TESTABLE = "not testable on this data"


@dataclass(frozen=True)
class Check:
    """One number, with its interval, that must lie above or below a threshold.

    >>> Check("rank correlation", Interval(0.7, 0.6, 0.8), "above", 0.5).finding
    <Finding.REPRODUCED: 'reproduced'>
    >>> Check("rank correlation", Interval(0.55, 0.4, 0.7), "above", 0.5).finding
    <Finding.PARTLY: 'partly reproduced'>
    >>> Check("rank correlation", Interval(0.2, 0.1, 0.7), "above", 0.5).finding
    <Finding.NOT_REPRODUCED: 'not reproduced'>
    """

    metric: str
    interval: Interval
    side: Literal["above", "below"]
    threshold: float

    @property
    def finding(self) -> Finding:
        """Reproduced if the whole interval is on the right side, partly if the value is."""
        sign = 1 if self.side == "above" else -1
        margins = [
            sign * (number - self.threshold)
            for number in (self.interval.low, self.interval.value, self.interval.high)
        ]
        if not all(margin == margin for margin in margins):  # NaN
            return Finding.NOT_TESTABLE
        if min(margins) > 0:
            return Finding.REPRODUCED
        return Finding.PARTLY if margins[1] > 0 else Finding.NOT_REPRODUCED


@dataclass(frozen=True)
class Verdict:
    """What the checks of one claim say together."""

    claim: str
    checks: tuple[Check, ...]

    @property
    def verdict(self) -> Finding:
        """Reproduced or not reproduced if all checks say so, partly if they disagree."""
        findings = {check.finding for check in self.checks}
        if not findings or Finding.NOT_TESTABLE in findings:
            return Finding.NOT_TESTABLE
        return findings.pop() if len(findings) == 1 else Finding.PARTLY

    def as_dictionary(self) -> dict[str, Any]:
        """Return plain values, to be written as JSON."""
        checks = [{**asdict(check), "finding": check.finding.value} for check in self.checks]
        return {"verdict": self.verdict.value, "checks": checks}


@functools.cache
def load_claims() -> dict[str, dict[str, Any]]:
    """Return the claims of book/claims.yml by their identifier."""
    return yaml.safe_load((project_root() / "book" / "claims.yml").read_text(encoding="utf-8"))


def check(claim: str, metric: str, interval: Interval) -> Check:
    """Return the check of a number against the threshold that book/claims.yml sets for a claim.

    >>> check("C7", "rank correlation", Interval(0.7, 0.6, 0.8)).threshold
    0.5

    Raises
    ------
    InputError
        The claim is not listed there.
    """
    _must_be_listed([claim])
    rule = load_claims()[claim]
    return Check(metric, interval, rule["wanted"], rule["threshold"])


def verdicts(checks: Mapping[str, list[Check]]) -> dict[str, Verdict]:
    """Return the verdict on each claim, given the checks that decide it.

    Raises
    ------
    InputError
        A claim is not listed in book/claims.yml.
    """
    _must_be_listed(checks)
    return {claim: Verdict(claim, tuple(listed)) for claim, listed in checks.items()}


def _must_be_listed(claims: Iterable[str]) -> None:
    unknown = sorted(set(claims) - set(load_claims()))
    if unknown:
        raise InputError(f"claims {', '.join(unknown)} are not in book/claims.yml: add them there")


def verdict_table(found: Mapping[str, Verdict]) -> HTML:
    """Return a table of claims, the numbers behind them and the verdicts."""
    rows = []
    for claim, verdict in found.items():
        text = load_claims()[claim]
        numbers = "<br>".join(_sentence(check) for check in verdict.checks) or "no suitable images"
        rows.append(
            f'<tr><th scope="row">{claim}</th><td>{escape(text["says"])} '
            f"({escape(text['where'])})</td><td>{numbers}</td>"
            f"<td>{verdict_mark(verdict.verdict.value)}</td></tr>"
        )
    return HTML(
        '<div class="verdicts"><table><thead><tr><th scope="col">Claim</th>'
        '<th scope="col">The paper says</th><th scope="col">Here</th>'
        f'<th scope="col">Verdict</th></tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def verdict_mark(verdict: str) -> str:
    """Return a verdict as HTML, with a class that the style sheet colours.

    >>> verdict_mark("partly reproduced")
    '<strong class="verdict partly-reproduced">partly reproduced</strong>'
    """
    name = verdict.replace(" ", "-")
    return f'<strong class="verdict {name}">{escape(verdict)}</strong>'


def _sentence(check: Check) -> str:
    return f"{escape(check.metric)}: {check.interval}, wanted {check.side} {check.threshold:g}"
