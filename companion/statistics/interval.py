"""A number and its confidence interval, and how they are written."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """A number and its confidence interval.

    As text it has the digits that it deserves, two of the width of the interval, and no line is
    broken inside of it. A number without an interval is that of one run.

    >>> print(Interval(0.5123, -0.2531, 1.2497))
    0.5 (-0.3\xa0to\xa01.2)
    >>> print(Interval(0.00237, 0.00129, 0.0031))
    0.0024 (0.0013\xa0to\xa00.0031)
    >>> print(Interval(6610.18, 6271.3, 6950.9))
    6610 (6271\xa0to\xa06951)
    >>> print(Interval(0.612, math.nan, math.nan))
    0.61 (one run)
    """

    value: float
    low: float
    high: float

    def clipped(self, low: float, high: float) -> "Interval":
        """Return the part of the interval that its number can lie in.

        >>> print(Interval(0.97, 0.91, 1.03).clipped(0, 1))
        0.970 (0.910\xa0to\xa01.000)
        """
        return Interval(self.value, max(self.low, low), min(self.high, high))

    def __str__(self) -> str:
        decimals = digits_after_point(self.high - self.low or self.high, self.value)
        value, low, high = (f"{end:.{decimals}f}" for end in (self.value, self.low, self.high))
        if math.isnan(self.low) and not math.isnan(self.value):
            return f"{value} (one run)"
        return f"{value} ({low}\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}{high})"


def digits_after_point(width: float, otherwise: float = math.nan) -> int:
    """Return how many digits after the point tell two digits of a width, or of another number.

    >>> digits_after_point(0.25), digits_after_point(12.0), digits_after_point(0.004)
    (2, 0, 4)
    """
    for scale in map(abs, (width, otherwise)):
        if 0 < scale < math.inf:  # not NaN either
            return max(0, 1 - math.floor(math.log10(scale)))
    return 2
