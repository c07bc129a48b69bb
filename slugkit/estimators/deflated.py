"""Scores and pixel variances of whole batches, exact along the extra Ritz vectors of the fit."""

from dataclasses import dataclass
from typing import ClassVar

from slugkit.checks.numbers import check_count
from slugkit.errors import InputError
from slugkit.estimators.budget import Budget
from slugkit.estimators.pushforward import Pushforward
from slugkit.posterior import Posterior


@dataclass(frozen=True)
class Deflated(Pushforward):
    r"""Push m of the extra Ritz vectors V forward first, then random directions outside of them.

    .. math:: \mathrm{diag}(J \Sigma J^T)
              = \sum_{j \le m} (J \Sigma^{1/2} v_j)^2
              + E[(J \Sigma^{1/2} (I - V V^T) w)^2], \qquad w \sim N(0, I)

    This is exact in their directions and leaves less to chance.

    Parameters
    ----------
    num_exact
        The largest number of extra vectors to use; all by default. At least half of the
        products are left for the random part.
    """

    name: ClassVar[str] = "deflated"

    num_exact: int | None = None

    def __post_init__(self) -> None:
        if self.num_exact is not None:
            check_count("num_exact", self.num_exact, 0)

    def num_exact_vectors(self, posterior: Posterior, budget: Budget) -> int:
        """Return how many of the extra Ritz vectors are pushed forward before the directions.

        Raises
        ------
        InputError
            The posterior has no extra Ritz vectors.
        """
        count = len(posterior.extra_vectors)
        if count == 0:
            raise InputError(
                "the estimator 'deflated' needs extra Ritz vectors, but the posterior has none; "
                "fit with solver=Lanczos(num_extra=50)"
            )
        if self.num_exact is not None:
            count = min(count, self.num_exact)
        if budget.num_products is not None:
            count = min(count, budget.num_products // 2)
        return count
