"""A number and its confidence interval, and how they are written."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """A number and its confidence interval."""

    value: float
    low: float
    high: float

    def __format__(self, form: str) -> str:
        """Write the number with its interval, inside of which no line is broken.

        Without a form there are two decimals, or as many as tell two digits of the interval. A
        number without an interval is that of one run.

        >>> f"{Interval(0.5, -0.25, 1.25):.3f}"
        '0.500 (-0.250\\xa0to\\xa01.250)'
        >>> f"{Interval(0.5, -0.25, 1.25)}"
        '0.50 (-0.25\\xa0to\\xa01.25)'
        >>> f"{Interval(0.00237, 0.00129, 0.0031)}"
        '0.0024 (0.0013\\xa0to\\xa00.0031)'
        """
        form = form or f".{self._decimals()}f"
        if math.isnan(self.low) and not math.isnan(self.value):
            return f"{self.value:{form}} (one run)"
        low, high = (format(end, form) for end in (self.low, self.high))
        return f"{self.value:{form}} ({low}\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}{high})"

    def _decimals(self) -> int:
        # An interval without width is written like its end.
        scale = self.high - self.low or abs(self.high)
        if not 0 < scale < 0.1:  # NaN as well
            return 2
        return max(2, 1 - math.floor(math.log10(scale)))
