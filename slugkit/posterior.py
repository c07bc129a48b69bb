"""The Gaussian posterior over the parameters, by eigenvectors or by a sketch of them."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from slugkit.errors import InputError
from slugkit.linalg.basis import coefficients, combine
from slugkit.linalg.sketched_basis import SketchedBasis
from slugkit.operators.jacobian import Apply
from slugkit.operators.parameters import FlatParameters

Vectors = Float[np.ndarray, "s p"]


@dataclass(frozen=True)
class Posterior:
    r"""The Gaussian over the parameters that the leading eigenpairs define.

    .. math:: \Sigma = I - U U^T, \quad\text{or}\quad
              \Sigma = \frac{1}{a} \left(I - U \frac{\Lambda}{\Lambda + a} U^T\right)

    the latter for a prior precision a.
    """

    apply: Apply
    parameters: FlatParameters  # p of them
    image_shape: tuple[int, ...]
    basis: Float[np.ndarray, "k p"]  # one eigenvector per row
    eigenvalues: Float[np.ndarray, " k"]  # largest first
    residuals: Float[np.ndarray, " k"]  # |G u - l u|
    # No eigenvalue of the same rank is larger; see slugkit.linalg.lanczos.
    upper: Float[np.ndarray, " k"]
    num_products: int  # with G, that the fit took
    converged: bool  # whether residuals and upper bounds meet the tolerance of the fit
    prior_precision: float | None = None
    # Orthonormal vectors that come next: Ritz vectors that have not converged.
    extra_vectors: Float[np.ndarray, "m p"] = field(
        default_factory=lambda: np.zeros((0, 0), np.float32)
    )

    def __post_init__(self) -> None:
        if len(self.extra_vectors) == 0:
            object.__setattr__(self, "extra_vectors", self.basis[:0])

    @property
    def rank(self) -> int:
        """The number of directions that are taken out, k."""
        return len(self.eigenvalues)

    @property
    def shrinkage(self) -> Float[np.ndarray, " k"]:
        r"""What :math:`(a \Sigma)^{1/2}` takes away along each eigenvector, from 0 to 1.

        .. math:: (a \Sigma)^{1/2} = I - U C U^T, \qquad c_j = 1 - \sqrt{\frac{a}{\lambda_j + a}}

        It is 1 for the projector.
        """
        a = self.prior_precision
        if a is None:
            return np.ones(self.rank)
        return 1 - np.sqrt(a / (np.maximum(self.eigenvalues, 0) + a))

    def truncated(self, rank: int) -> "Posterior":
        """Return the posterior that takes out the first eigenvectors only.

        The others come first among its extra vectors.

        Raises
        ------
        InputError
            The rank is negative or above that of this posterior.
        """
        if not 0 <= rank <= self.rank:
            raise InputError(
                f"rank is {rank}; give a number from 0 to that of the posterior, {self.rank}"
            )
        extra = self.basis[rank:]
        if len(self.extra_vectors):
            extra = np.concatenate([extra, self.extra_vectors])
        return replace(
            self,
            basis=self.basis[:rank],
            eigenvalues=self.eigenvalues[:rank],
            residuals=self.residuals[:rank],
            upper=self.upper[:rank],
            extra_vectors=extra,
        )

    def with_prior(self, precision: float | None) -> "Posterior":
        """Return the posterior of a prior of this precision; None for the projector.

        Raises
        ------
        InputError
            The precision is not a positive number.
        """
        check_prior_precision(precision)
        return replace(self, prior_precision=precision)

    def deflate(self, vector: Float[np.ndarray, " p"]) -> Float[np.ndarray, " p"]:
        """Return (I - U U^T) v."""
        along = coefficients(self.basis, vector)
        return vector - combine(along, self.basis, vector.dtype)

    def sqrt_covariance_product(self, vectors: Vectors) -> Vectors:
        r"""Return :math:`\Sigma^{1/2} v` for each row v."""
        a, along = self.prior_precision, coefficients(self.basis, vectors)
        if a is None:
            return vectors - combine(along, self.basis, vectors.dtype)
        rest = vectors - combine(along * self.shrinkage, self.basis, vectors.dtype)
        return rest / vectors.dtype.type(np.sqrt(a))

    def squared_norms(self, vectors: Vectors) -> Float[np.ndarray, " s"]:
        r"""Return :math:`v^T \Sigma v` for each row v, as the square of a norm."""
        return np.sum(self.sqrt_covariance_product(vectors) ** 2, axis=1)


@dataclass(frozen=True)
class SketchedPosterior:
    r"""The posterior of a basis that is known only as sketched, and possibly of some eigenvectors.

    .. math:: v^T \Sigma v \approx \frac{|S w|^2 - |U_s^T S w|^2}{1 - m / s},
              \qquad w = (I - U U^T) v

    U holds the eigenvectors that are known, and :math:`U_s` the sketched basis of the rest, m
    directions; see `slugkit.linalg.sketched_basis.SketchedBasis`.
    """

    exact: Posterior  # of the known eigenvectors, often none
    sketched: SketchedBasis
    num_products: int  # with G, that the fit took

    @property
    def apply(self) -> Apply:
        """The model."""
        return self.exact.apply

    @property
    def parameters(self) -> FlatParameters:
        """The parameters, p of them."""
        return self.exact.parameters

    @property
    def image_shape(self) -> tuple[int, ...]:
        """The shape of an image."""
        return self.exact.image_shape

    @property
    def rank(self) -> int:
        """The number of directions that are taken out."""
        return self.exact.rank + len(self.sketched.rows)

    def squared_norms(self, vectors: Vectors) -> Float[np.ndarray, " s"]:
        r"""Return an estimate of :math:`v^T \Sigma v` for each row v, which is never negative."""
        return self.sketched.squared_residuals(self.exact.sqrt_covariance_product(vectors))

    def published_squared_norms(self, vectors: Vectors) -> Float[np.ndarray, " s"]:
        r"""Return the published estimate of the same, which may be negative.

        .. math:: v^T \Sigma v \approx |w|^2 - |U_s^T S w|^2
        """
        outside = self.exact.sqrt_covariance_product(vectors)
        return np.sum(outside**2, axis=1) - self.sketched.norm_inside(outside)


def check_prior_precision(precision: Any) -> None:
    """Raise an InputError unless the precision is a positive number or None."""
    if precision is not None and not 0 < precision < np.inf:
        raise InputError(f"prior_precision is {precision}; give a positive number or None")
