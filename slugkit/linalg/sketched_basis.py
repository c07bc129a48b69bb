"""A basis that is kept only as sketched, and what is outside of it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from slugkit.linalg.sketch import Sketch


@dataclass(frozen=True)
class SketchedBasis:
    """An orthonormal basis of the sketched directions S V."""

    sketch: Sketch
    rows: Float[np.ndarray, "m s"]

    @property
    def kept(self) -> float:
        r"""What a squared residual in the sketch is on average, relative to the one outside of it.

        .. math:: \frac{1 - m / s}{1 - m / q}

        for a sketch that draws its s rows out of q; q is infinite where they are independent.
        """
        m, q = len(self.rows), self.sketch.population
        return (1 - m / self.sketch.size) / (1 - m / q)

    @property
    def relative_variance(self) -> float:
        r"""The variance of a squared residual over different sketches, relative to its square.

        .. math:: \frac{2}{s - m} \; \frac{q - s}{q - m + 2}

        It is :math:`2 / (s - m)` for independent rows.
        """
        m, s, q = len(self.rows), self.sketch.size, self.sketch.population
        return 2 / (s - m) * ((1 - s / q) / (1 - (m - 2) / q))

    def squared_residuals(self, vectors: Float[np.ndarray, "n p"]) -> Float[np.ndarray, " n"]:
        r"""Return :math:`|(I - U U^T) g|^2` for vectors g (n, p), as estimated inside the sketch.

        .. math:: \min_c |S (g - V c)|^2 = |S g|^2 - |U_s^T S g|^2

        over its average `kept`. It is the square of a norm and never negative, and where S keeps
        the lengths in the span of V and g to within a fraction, so it is to within that fraction,
        however much of g lies in the span.

        References
        ----------
        Sketch-and-solve least squares: Sarlos, FOCS (2006); Drineas, Mahoney, Muthukrishnan,
        Sarlos, Numer. Math. 117 (2011).
        """
        sketched = self.sketch(vectors)
        sketched -= (sketched @ self.rows.T) @ self.rows
        return np.sum(sketched**2, axis=-1) / vectors.dtype.type(self.kept)

    def norm_inside(self, vectors: Float[np.ndarray, "n p"]) -> Float[np.ndarray, " n"]:
        r"""Return :math:`|U_s^T S g|^2` for vectors g (n, p)."""
        return np.sum((self.sketch(vectors) @ self.rows.T) ** 2, axis=-1)
