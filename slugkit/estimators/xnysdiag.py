"""The pixel variances of one image by XNysDiag, for comparison."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from slugkit.estimators.fixed_budget import FixedBudget
from slugkit.linalg.estimates import Estimate
from slugkit.linalg.xnysdiag import xnysdiag


@dataclass(frozen=True)
class XNysDiag(FixedBudget):
    """Estimate the pixel variances by XNysDiag; see `slugkit.linalg.xnysdiag`."""

    name: ClassVar[str] = "xnysdiag"
    gives_score: ClassVar[bool] = False
    inverts: ClassVar[bool] = True

    def algorithm(self) -> Callable[..., Estimate]:
        """Return the algorithm."""
        return xnysdiag
