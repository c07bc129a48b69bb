import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.config import DATASETS
from companion.paths import project_root
from companion.profiles import list_profiles, load_profile
from companion.statistics.claims import (
    Check,
    Finding,
    Verdict,
    check,
    load_claims,
    premise,
    untestable,
    verdict_table,
    verdicts,
)
from companion.statistics.interval import Interval
from slugkit.errors import InputError

GOOD = Check("good", Interval(0.8, 0.7, 0.9), "above", 0.5, runs=10)
UNSURE = Check("unsure", Interval(0.6, 0.4, 0.7), "above", 0.5, runs=10, runs_needed=23.0)
BAD = Check("bad", Interval(0.2, 0.1, 0.3), "above", 0.5, runs=10)
UNKNOWN = Check("unknown", Interval(math.nan, math.nan, math.nan), "above", 0.5, runs=10)
ONE_RUN = Check("one run", Interval(0.8, math.nan, math.nan), "above", 0.5)
# The paper's groups on real images.
REAL = load_profile("reduced")


@pytest.mark.parametrize(
    ("checks", "finding"),
    [
        ([GOOD], Finding.REPRODUCED),
        ([GOOD, GOOD], Finding.REPRODUCED),
        ([GOOD, BAD], Finding.NOT_REPRODUCED),
        ([UNSURE, BAD], Finding.NOT_REPRODUCED),
        ([GOOD, UNSURE], Finding.INCONCLUSIVE),
        ([UNSURE], Finding.INCONCLUSIVE),
        ([ONE_RUN], Finding.INCONCLUSIVE),
        ([BAD, BAD], Finding.NOT_REPRODUCED),
        ([], Finding.NOT_TESTABLE),
        ([GOOD, UNKNOWN], Finding.NOT_TESTABLE),
    ],
)
def test_the_verdict_follows_from_the_checks(checks, finding):
    assert Verdict("C7", tuple(checks)).verdict is finding


numbers = st.floats(-10, 10)


@given(numbers, numbers, numbers, numbers)
def test_below_is_the_mirror_of_above(a, b, c, threshold):
    low, value, high = sorted([a, b, c])
    above = Check("", Interval(value, low, high), "above", threshold)
    below = Check("", Interval(-value, -high, -low), "below", -threshold)
    assert above.finding is below.finding


@given(
    numbers, numbers, numbers, st.floats(0.01, 10), st.sampled_from(["above", "below", "within"])
)
def test_an_interval_that_crosses_its_line_is_inconclusive(a, b, c, threshold, wanted):
    low, value, high = sorted([a, b, c])
    lines = [threshold, -threshold] if wanted == "within" else [threshold]
    found = Check("", Interval(value, low, high), wanted, threshold).finding
    crosses = any(low <= line <= high for line in lines)
    assert (found is Finding.INCONCLUSIVE) == crosses


def test_an_unlisted_claim_or_check_is_refused():
    with pytest.raises(InputError, match=r"C99 are not in book/claims\.yml"):
        verdicts({"C99": [GOOD]}, REAL)
    with pytest.raises(InputError, match=r"C99 are not in book/claims\.yml"):
        check("C99", "any", "", Interval(0, 0, 0))
    with pytest.raises(InputError, match=r"claim C7 has no check 'any' in book/claims\.yml"):
        check("C7", "any", "", Interval(0, 0, 0))


def made_up(claim, right):
    """Numbers for every check of a claim, a little beyond its threshold on one side."""
    for name, rule in load_claims()[claim]["checks"].items():
        threshold = rule["threshold"]
        step = 0.4 * abs(threshold) or 0.4
        centre = {
            "above": threshold + (step if right else -step),
            "below": threshold - (step if right else -step),
            "within": 0.0 if right else threshold + step,
        }[rule["wanted"]]
        yield check(claim, name, name, Interval(centre, centre - step / 4, centre + step / 4))


@pytest.mark.parametrize("claim", load_claims())
def test_each_claim_can_come_out_each_way(claim):
    """Made-up numbers, decided by the thresholds of the book itself."""
    limit = load_claims()[claim].get("limitation")
    yes, no = (
        (Finding.CONFIRMED, Finding.REMOVED)
        if limit
        else (Finding.REPRODUCED, Finding.NOT_REPRODUCED)
    )
    for right, finding in ((True, yes), (False, no)):
        listed = list(made_up(claim, right))
        assert verdicts({claim: listed}, REAL)[claim].verdict is finding
    unsure = [
        check(claim, name, name, Interval(rule["threshold"], -1e3, 1e3))
        for name, rule in load_claims()[claim]["checks"].items()
    ]
    assert verdicts({claim: unsure}, REAL)[claim].verdict is Finding.INCONCLUSIVE


@pytest.mark.parametrize("claim", load_claims())
def test_no_verdict_on_synthetic_images(claim):
    found = verdicts({claim: list(made_up(claim, True))}, load_profile("quick"))[claim]
    assert found.verdict is Finding.NOT_TESTABLE
    assert found.untestable == "synthetic images: numbers only"
    assert len(found.checks) == len(load_claims()[claim]["checks"])


@pytest.mark.parametrize("claim", ["C1", "C2", "C3", "C4", "C5"])
def test_no_verdict_on_groups_other_than_the_papers(claim):
    other = load_profile("open")
    assert "not the paper's groups" in untestable(claim, other)
    assert untestable("C7", other) == ""
    assert untestable(claim, REAL) == ""


def test_without_external_images_their_claim_cannot_be_decided():
    without = REAL.model_copy(update={"data": REAL.data.model_copy(update={"external": None})})
    assert untestable("C6", without) == "no external images"


@pytest.mark.parametrize(
    ("ratio", "finding"),
    [(Interval(1.2, 1.1, 1.3), Finding.REPRODUCED), (Interval(3, 2, 4), Finding.PREMISE_FAILS)],
)
def test_a_claim_whose_premise_fails_is_about_nothing(ratio, finding):
    checks = {"C10": list(made_up("C10", True))}
    found = verdicts(checks, REAL, {"C10": premise("C10", ratio, 10)})["C10"]
    assert found.verdict is finding
    assert found.as_dictionary()["premise"]["threshold"] == 1.5


def test_no_notebook_sets_a_threshold_of_its_own():
    for notebook in (project_root() / "notebooks").glob("*.py"):
        assert "Check(" not in notebook.read_text(), notebook


def test_every_claim_says_what_where_and_why():
    for claim in load_claims().values():
        assert {"where", "says", "needs", "unit", "checks"} <= set(claim)
        assert claim["needs"] in ("groups", "external", "real")
        for rule in claim["checks"].values():
            assert set(rule) == {"wanted", "threshold", "reason"}
            assert rule["wanted"] in ("above", "below", "within")


def test_the_table_shows_numbers_verdict_and_how_many_runs_would_decide():
    html = verdict_table(verdicts({"C7": [GOOD], "C8": [UNSURE], "C11": []}, REAL)).data
    assert "0.80 (0.70\xa0to\xa00.90), wanted above 0.5" in html
    assert '<strong class="verdict reproduced">reproduced</strong>' in html
    assert "about 23 runs would decide" in html
    assert "no suitable images" in html


def test_profiles_and_training_sets_are_those_that_the_claims_speak_of():
    assert {"quick", "reduced", "open", "paper"} <= set(list_profiles())
    assert DATASETS == ("A", "B", "C")
