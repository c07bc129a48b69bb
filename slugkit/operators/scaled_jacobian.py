"""The square root of the covariance of one image's outputs."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from slugkit.operators.ggn import check_outputs, pull, push
from slugkit.posterior import Posterior


class Root:
    r"""The linear map :math:`B = J(x) \Sigma^{1/2}` of one image x, with :math:`A = B B^T`.

    Vectors are rows. Each row that is pushed or pulled counts as one product.
    """

    def __init__(
        self, posterior: Posterior, linearise: Callable[[Any], Any], image: np.ndarray, index: int
    ):
        self.posterior = posterior
        outputs, self._jvp = linearise(jnp.asarray(image)[None])
        check_outputs(outputs, index, 1)
        self.shape = outputs.shape[1:]
        self.size = int(np.prod(self.shape))  # D
        self.length = posterior.parameters.size  # p
        self.dtype = posterior.parameters.dtype

    def push(self, vectors: np.ndarray) -> np.ndarray:
        """Return B w, shape (m, D), for vectors w (m, p)."""
        coloured = self.posterior.colour(vectors)
        return np.stack([np.asarray(push(self._jvp, one)).ravel() for one in coloured])

    def pull(self, cotangents: np.ndarray) -> np.ndarray:
        """Return B^T y, shape (m, p), for cotangents y (m, D)."""
        return self.posterior.colour(self.pull_back(cotangents))

    def pull_back(self, cotangents: np.ndarray) -> np.ndarray:
        r"""Return J^T y, shape (m, p), for cotangents y (m, D), whatever the posterior."""
        shaped = np.asarray(cotangents, self.dtype).reshape(-1, 1, *self.shape)
        return np.stack(
            [np.asarray(pull(self._jvp, one, self.length, self.dtype)) for one in shaped]
        )
