import re

from hypothesis import assume, given
from hypothesis import strategies as st

from companion.statistics.interval import Interval

numbers = st.floats(-1e3, 1e3)


def written(interval):
    return [float(number) for number in re.findall(r"-?\d+\.\d+", f"{interval}")]


@given(st.tuples(numbers, numbers, numbers).map(sorted))
def test_a_reader_can_tell_the_ends_of_an_interval_apart(ends):
    low, value, high = ends
    assume(high - low > 1e-9)
    found = written(Interval(value, low, high))
    assert found[1] < found[2]
    # To a twentieth of the interval, or half a unit of the second decimal.
    for end, text in zip((value, low, high), found, strict=True):
        assert abs(end - text) <= min(0.005, (high - low) / 20) * 1.001


@given(st.floats(1e-9, 1e3))
def test_a_number_above_zero_is_never_written_as_zero(number):
    assert written(Interval(number, number, number))[0] > 0
