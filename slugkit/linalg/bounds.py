r"""Upper bounds of eigenvalues, of which the Ritz values are lower bounds.

A is symmetric and V has orthonormal rows, with :math:`A V^T = V^T T + R` and :math:`V R = 0`. In a
basis that begins with V,

.. math:: A = \begin{pmatrix} T & R^T \\ R & B \end{pmatrix}
          \preceq \begin{pmatrix} T & R^T \\ R & b I \end{pmatrix}

for any b that no eigenvalue of B exceeds, which is A as seen outside of V. So the i-th eigenvalue
of A is at most that of the small matrix on the right. Such a b comes from a random direction.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from slugkit.linalg.recurrence import Tridiagonal

# Each halves by how much a bound is larger than it need be.
BISECTIONS = 40


@dataclass(frozen=True)
class Chain:
    r"""What a Lanczos iteration on B from a random vector r has shown.

    Before V was taken out of r, its components were independent standard normal numbers.

    Examples
    --------
    >>> chain = Chain(Tridiagonal(np.array([1.0, 2.0]), np.array([0.5, 0.1])), norm=3.0)
    >>> round(chain.largest, 3), round(chain.bound(0.01), 3)
    (2.207, 5.03)
    """

    made: Tridiagonal  # of the iteration
    norm: float  # of r, outside of V

    @property
    def largest(self) -> float:
        """The largest Ritz value, which no bound is below."""
        return float(np.linalg.eigvalsh(self.made.matrix())[-1])

    def bound(self, failure: float) -> float:
        r"""Return a bound on the largest eigenvalue of B, wrong with at most this probability.

        Let b be this eigenvalue and u a unit eigenvector. The recurrence gives
        :math:`u^T v_{j+1} = p_j(b) \, u^T v_1` with the orthonormal polynomials p_j of the
        iteration. The squares on the left add up to at most 1, and :math:`v_1 = r / |r|`, so

        .. math:: (u^T r)^2 \sum_j p_j(b)^2 \le |r|^2.

        But :math:`u^T r` is a standard normal number, whose absolute value is below t with a
        probability of at most :math:`\sqrt{2 / \pi} \, t`. If it is not, b lies below the point
        where the sum, which grows with b, is :math:`|r|^2 / t^2`: after however many steps.

        References
        ----------
        Van Dorsselaer, Hochstenbach, van der Vorst, SIAM J. Matrix Anal. Appl. 22 (2000); bounds
        before the coefficients are known: Kuczynski, Wozniakowski, the same 13 (1992).
        """
        low = self.largest
        left = float(self.made.off_diagonal[-1])
        if left == 0:
            return low
        enough = 2 / math.pi * (self.norm / failure) ** 2
        step = left
        while self._sum_of_squares(low + step, enough) < enough:
            step *= 2
        high = low + step
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            if self._sum_of_squares(middle, enough) < enough:
                low = middle
            else:
                high = middle
        return high

    def _sum_of_squares(self, point: float, enough: float) -> float:
        """Return the sum of p_j(point)^2, or of the first few if that is enough."""
        before, current, beside, total = 0.0, 1.0, 0.0, 1.0
        for diagonal, next_beside in zip(
            self.made.diagonal.tolist(), self.made.off_diagonal.tolist(), strict=True
        ):
            following = ((point - diagonal) * current - beside * before) / next_beside
            before, current, beside = current, following, next_beside
            total += current * current
            if total >= enough:
                break
        return total


def upper(
    projected: Float[np.ndarray, "m m"], remainder: Float[np.ndarray, "b m"], outside: float
) -> Float[np.ndarray, " m"]:
    """Return a bound of each eigenvalue, largest first, given T, R and b.

    R is given in an orthonormal basis of its range; beyond it, there is no more than b alone.
    """
    if not np.isfinite(outside):
        return np.full(len(projected), np.inf)
    corner = outside * np.eye(len(remainder))
    matrix = np.block([[projected, remainder.T], [remainder, corner]])
    return np.maximum(np.linalg.eigvalsh(matrix)[::-1][: len(projected)], outside)
