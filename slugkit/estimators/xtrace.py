"""The score of one image by XTrace, for comparison."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from slugkit.estimators.fixed_budget import FixedBudget
from slugkit.linalg.estimates import Estimate
from slugkit.linalg.xtrace import xtrace


@dataclass(frozen=True)
class XTrace(FixedBudget):
    """Estimate the score by XTrace; see `slugkit.linalg.xtrace`."""

    name: ClassVar[str] = "xtrace"
    gives_variance: ClassVar[bool] = False
    least: ClassVar[int] = 4

    def algorithm(self) -> Callable[..., Estimate]:
        """Return the algorithm."""
        return xtrace
