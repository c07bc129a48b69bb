"""The score of one image by Hutch++, for comparison."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from slugkit.estimators.fixed_budget import FixedBudget
from slugkit.linalg.estimates import Estimate
from slugkit.linalg.hutchpp import hutchpp


@dataclass(frozen=True)
class HutchPP(FixedBudget):
    """Estimate the score by Hutch++; see `slugkit.linalg.hutchpp`."""

    name: ClassVar[str] = "hutchpp"
    gives_variance: ClassVar[bool] = False
    least: ClassVar[int] = 3

    def algorithm(self) -> Callable[..., Estimate]:
        """Return the algorithm."""
        return hutchpp
