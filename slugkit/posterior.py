"""The Gaussian posterior over the parameters, by eigenvectors or by a sketch of them."""

import functools
import warnings
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from slugkit import refusals
from slugkit.checks.numbers import check_prior_precision
from slugkit.errors import ClusterWarning, InputError
from slugkit.linalg.basis import coefficients, combine
from slugkit.linalg.recurrence import ROUNDING
from slugkit.linalg.sketched_basis import SketchedBasis
from slugkit.operators.jacobian import Apply
from slugkit.operators.parameters import FlatParameters
from slugkit.operators.program import rounding_of
from slugkit.summary import Summarised, Summary

Vectors = Float[np.ndarray, "s p"]
# Eigenvalues further apart than this fraction are different, however little is known of them.
CLOSE = 1e-2


@dataclass(frozen=True, repr=False)
class Posterior(Summarised):
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
    # What is known of the eigenvalue after the last; not a number where nothing is.
    following: float = float("nan")
    following_residual: float = float("nan")

    def __post_init__(self) -> None:
        if len(self.extra_vectors) == 0:
            object.__setattr__(self, "extra_vectors", self.basis[:0])

    @property
    def rank(self) -> int:
        """The number of directions that are taken out, k."""
        return len(self.eigenvalues)

    @functools.cached_property
    def rounding(self) -> float:
        """The unit of rounding of the coarsest type that the model computes in."""
        return rounding_of(self.apply, self.parameters, self.image_shape)

    @property
    def cuts_cluster(self) -> bool:
        """Whether the last eigenvalue and the one after it are equal, as far as is known.

        Their difference is then within the residuals, and the last eigenvectors are some of many:
        another seed takes others.
        """
        if self.rank == 0:
            return False
        difference = self.eigenvalues[-1] - self.following
        return bool(difference <= min(self._resolution, CLOSE * self.eigenvalues[-1]))

    @property
    def _resolution(self) -> float:
        """The largest difference of eigenvalues at the end that is not seen.

        Residuals that nobody measured are infinite, and the values are then taken as they are.
        """
        rounding = ROUNDING * float(np.finfo(np.float32).eps) * self.eigenvalues[0]
        residuals = self.residuals[-1], self.following_residual
        return float(rounding + sum(one for one in residuals if np.isfinite(one)))

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

        Warns
        -----
        ClusterWarning
            The rank cuts a cluster of equal eigenvalues.
        """
        if rank == self.rank:
            return self
        if not 0 <= rank <= self.rank:
            raise InputError(
                f"rank is {rank}; give a number from 0 to that of the posterior, {self.rank}"
            )
        extra = self.basis[rank:]
        if len(self.extra_vectors):
            extra = np.concatenate([extra, self.extra_vectors])
        return warn_of_cluster(
            replace(
                self,
                basis=self.basis[:rank],
                eigenvalues=self.eigenvalues[:rank],
                residuals=self.residuals[:rank],
                upper=self.upper[:rank],
                extra_vectors=extra,
                following=float(self.eigenvalues[rank]),
                following_residual=float(self.residuals[rank]),
            )
        )

    def with_prior(self, precision: float | None) -> "Posterior":
        """Return the posterior of a prior of this precision; None for the projector.

        Raises
        ------
        InputError
            The precision is not a positive number.
        """
        return replace(self, prior_precision=check_prior_precision(precision))

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

    def summary(self) -> Summary:
        """Return what is to be known of it at a glance."""
        a = self.prior_precision
        facts = {
            "parameters": repr(self.parameters),
            "images": f"of shape {self.image_shape}",
            "products": f"{self.num_products} with the matrix, "
            + ("converged" if self.converged else "NOT converged"),
            "prior": "none (the projector)" if a is None else f"of precision {a:g}",
        }
        if self.rank:
            largest, smallest = (
                f"{self.eigenvalues[i]:.4g} (residual {self.residuals[i]:.1g})" for i in (0, -1)
            )
            facts["largest eigenvalue"], facts["smallest"] = largest, smallest
        if self.following == self.following:
            equal = ": the rank cuts a cluster of equal ones" if self.cuts_cluster else ""
            facts["the next"] = (
                f"{self.following:.4g} (residual {self.following_residual:.1g}){equal}"
            )
        if len(self.extra_vectors):
            facts["extra vectors"] = str(len(self.extra_vectors))
        return f"Posterior of rank {self.rank}", facts


@dataclass(frozen=True, repr=False)
class SketchedPosterior(Summarised):
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
    def rounding(self) -> float:
        """The unit of rounding of the coarsest type that the model computes in."""
        return self.exact.rounding

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

    def summary(self) -> Summary:
        """Return what is to be known of it at a glance."""
        _, known = self.exact.summary()
        rows, length = self.sketched.rows.shape
        facts = {
            "parameters": known["parameters"],
            "images": known["images"],
            "products": f"{self.num_products} with the matrix",
            "sketched": f"{rows} directions, as vectors of {length} numbers",
            "exact": f"{self.exact.rank} eigenvectors",
        }
        return f"Sketched posterior of rank {self.rank}", facts


def warn_of_cluster(posterior: Posterior) -> Posterior:
    """Return the posterior, with a ClusterWarning if its rank cuts a cluster of eigenvalues."""
    if posterior.cuts_cluster:
        rank, last = posterior.rank, posterior.eigenvalues[-1]
        below = int((posterior.eigenvalues - last > posterior._resolution).sum())
        text = refusals.CLUSTER.text(
            rank=rank,
            next=rank + 1,
            last=last,
            following=posterior.following,
            residual=posterior.residuals[-1],
            following_residual=posterior.following_residual,
            below=below,
        )
        warnings.warn(text, ClusterWarning, stacklevel=2)
    return posterior
