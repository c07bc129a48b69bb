import re

from hypothesis import assume, given
from hypothesis import strategies as st

from companion.statistics.interval import Interval

numbers = st.floats(-1e3, 1e3)


def written(interval):
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", f"{interval}")]


@given(st.tuples(numbers, numbers, numbers).map(sorted))
def test_a_reader_can_tell_the_ends_of_an_interval_apart(ends):
    low, value, high = ends
    assume(high - low > 1e-9)
    found = written(Interval(value, low, high))
    assert found[1] < found[2]
    # To a twentieth of the interval.
    for end, text in zip((value, low, high), found, strict=True):
        assert abs(end - text) <= (high - low) / 20 * 1.001


@given(st.floats(0, 1e3), st.floats(1e-6, 1e6))
def test_no_number_has_digits_that_its_interval_does_not_deserve(low, width):
    text = str(Interval(low + width / 2, low, low + width))
    decimals = len(re.search(r"\d+(?:\.(\d+))?", text)[1] or "")
    # The last digit, if there are any after the point, is worth a hundredth of the width or more.
    assert decimals == 0 or 10**-decimals >= width / 100 * 0.999


@given(st.floats(1e-9, 1e3))
def test_a_number_above_zero_is_never_written_as_zero(number):
    assert written(Interval(number, number, number))[0] > 0
