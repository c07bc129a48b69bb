"""The Jacobian of one image times the square root of the parameters' covariance."""

from typing import Any, Protocol

import numpy as np
from jaxtyping import Float

from slugkit.operators.jacobian import Jacobian

ROWS_PER_BLOCK = 16


class Covariance(Protocol):
    """A covariance of the parameters, such as `slugkit.posterior.Posterior`."""

    def sqrt_covariance_product(
        self, vectors: Float[np.ndarray, "m p"]
    ) -> Float[np.ndarray, "m p"]:
        r"""Return :math:`\Sigma^{1/2} v` for each row v."""
        ...


class ScaledJacobian:
    r"""The linear map :math:`B = J(x) \Sigma^{1/2}` of one image x, with :math:`A = B B^T`.

    Vectors are rows. Each row that is pushed or pulled counts as one product.
    """

    def __init__(self, covariance: Covariance, jacobian: Jacobian):
        self.covariance, self.jacobian = covariance, jacobian
        self.shape, self.size = jacobian.shape, jacobian.size  # of the outputs, D
        self.length, self.dtype = jacobian.length, jacobian.dtype  # p

    def push(self, vectors: Float[np.ndarray, "m p"]) -> Float[np.ndarray, "m D"]:
        """Return B w for each row w."""
        return self.jacobian.push(self.covariance.sqrt_covariance_product(vectors))

    def pull(self, cotangents: Float[np.ndarray, "m D"]) -> Float[np.ndarray, "m p"]:
        """Return B^T y for each row y."""
        return self.covariance.sqrt_covariance_product(self.jacobian.pull(cotangents))

    def covariance_product(self, cotangents: Any) -> Float[np.ndarray, "m D"]:
        """Return A y for each row y: two products each, with few vectors of length p at a time."""
        rows = np.asarray(cotangents)
        blocks = range(0, len(rows), ROWS_PER_BLOCK)
        return np.concatenate([self.push(self.pull(rows[i : i + ROWS_PER_BLOCK])) for i in blocks])
