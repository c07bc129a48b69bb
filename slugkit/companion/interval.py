"""A number and its confidence interval, and how they are written."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """A number and its confidence interval."""

    value: float
    low: float
    high: float

    def __format__(self, form: str) -> str:
        """Write the number with its interval, inside of which no line is broken.

        >>> f"{Interval(0.5, -0.25, 1.25):.2f}"
        '0.50 (-0.25\\xa0to\\xa01.25)'
        """
        low, high = (format(end, form) for end in (self.low, self.high))
        return f"{self.value:{form}} ({low}\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}{high})"
