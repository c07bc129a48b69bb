import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.paths import project_root
from companion.statistics.claims import Check, Finding, check, load_claims, verdict_table, verdicts
from companion.statistics.interval import Interval
from slugkit.errors import InputError

GOOD = Check("good", Interval(0.8, 0.7, 0.9), "above", 0.5)
UNSURE = Check("unsure", Interval(0.6, 0.4, 0.7), "above", 0.5)
BAD = Check("bad", Interval(0.2, 0.1, 0.3), "above", 0.5)
UNKNOWN = Check("unknown", Interval(float("nan"), float("nan"), float("nan")), "above", 0.5)


@pytest.mark.parametrize(
    ("checks", "finding"),
    [
        ([GOOD], Finding.REPRODUCED),
        ([GOOD, GOOD], Finding.REPRODUCED),
        ([GOOD, BAD], Finding.PARTLY),
        ([GOOD, UNSURE], Finding.PARTLY),
        ([UNSURE, BAD], Finding.PARTLY),
        ([BAD], Finding.NOT_REPRODUCED),
        ([BAD, BAD], Finding.NOT_REPRODUCED),
        ([], Finding.NOT_TESTABLE),
        ([GOOD, UNKNOWN], Finding.NOT_TESTABLE),
    ],
)
def test_the_verdict_follows_from_the_checks(checks, finding):
    assert verdicts({"C7": checks})["C7"].verdict is finding


numbers = st.floats(-10, 10)


@given(numbers, numbers, numbers, numbers)
def test_below_is_the_mirror_of_above(a, b, c, threshold):
    low, value, high = sorted([a, b, c])
    above = Check("", Interval(value, low, high), "above", threshold)
    below = Check("", Interval(-value, -high, -low), "below", -threshold)
    assert above.finding is below.finding


def test_an_unlisted_claim_is_refused():
    with pytest.raises(InputError, match=r"C99 are not in book/claims\.yml"):
        verdicts({"C99": [GOOD]})
    with pytest.raises(InputError, match=r"C99 are not in book/claims\.yml"):
        check("C99", "", Interval(0, 0, 0))


@pytest.mark.parametrize("claim", load_claims())
def test_a_number_far_on_the_wrong_side_is_not_reproduced(claim):
    """Made-up numbers for every claim, decided by the thresholds of the book itself."""
    wanted, threshold = load_claims()[claim]["wanted"], load_claims()[claim]["threshold"]
    good = threshold + (1 if wanted == "above" else -1)
    bad = threshold - (1 if wanted == "above" else -1)
    for number, finding in ((good, Finding.REPRODUCED), (bad, Finding.NOT_REPRODUCED)):
        made_up = check(claim, "made up", Interval(number, number - 0.1, number + 0.1))
        assert verdicts({claim: [made_up]})[claim].verdict is finding


def test_no_notebook_sets_a_threshold_of_its_own():
    for notebook in (project_root() / "notebooks").glob("*.py"):
        assert "Check(" not in notebook.read_text(), notebook


def test_every_claim_says_what_where_and_why():
    for claim in load_claims().values():
        assert set(claim) == {"where", "says", "wanted", "threshold", "reason"}
        assert claim["wanted"] in ("above", "below")


def test_the_table_shows_numbers_and_verdict():
    html = verdict_table(verdicts({"C7": [GOOD], "C11": []})).data
    assert "0.80 (0.70\xa0to\xa00.90), wanted above 0.5" in html
    assert '<strong class="verdict reproduced">reproduced</strong>' in html
    assert "no suitable images" in html
