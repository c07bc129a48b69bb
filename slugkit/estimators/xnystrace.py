"""The score of one image by XNysTrace, for comparison."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from slugkit.estimators.fixed_budget import FixedBudget
from slugkit.linalg.estimates import Estimate
from slugkit.linalg.xnystrace import xnystrace


@dataclass(frozen=True)
class XNysTrace(FixedBudget):
    """Estimate the score by XNysTrace; see `slugkit.linalg.xnystrace`."""

    name: ClassVar[str] = "xnystrace"
    gives_variance: ClassVar[bool] = False
    inverts: ClassVar[bool] = True

    def algorithm(self) -> Callable[..., Estimate]:
        """Return the algorithm."""
        return xnystrace
