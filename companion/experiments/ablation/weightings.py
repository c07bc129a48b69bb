"""Pixel variances under many posteriors of one basis, from one set of Jacobian products."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from slugkit import slug
from slugkit.linalg.basis import coefficients
from slugkit.linalg.random import normals, seed_from
from slugkit.operators import ggn
from slugkit.operators.batches import batches
from slugkit.progress import Progress


class Weighting(NamedTuple):
    """One posterior: how much of each eigenvector is taken out, and how many samples stand for it.

    `removed` (k,) is 1 for a direction that is taken out as a whole and 0 for one that is kept.
    """

    removed: np.ndarray
    num_samples: int


def truncated(posterior: slug.Posterior, rank: int, num_samples: int) -> Weighting:
    """Return the projector that takes out the first `rank` eigenvectors only.

    >>> import types
    >>> truncated(types.SimpleNamespace(rank=3), 1, 10).removed.tolist()
    [1.0, 0.0, 0.0]
    """
    return Weighting((np.arange(posterior.rank) < rank).astype(float), num_samples)


def with_prior(posterior: slug.Posterior, precision: float, num_samples: int) -> Weighting:
    r"""Return the posterior of a Gaussian prior of precision a, times a, so that no scale is lost.

    .. math:: a \Sigma = I - U \frac{\Lambda}{\Lambda + a} U^T
    """
    eigenvalues = np.maximum(posterior.eigenvalues, 0)
    return Weighting(1 - np.sqrt(precision / (eigenvalues + precision)), num_samples)


def variances(
    posterior: slug.Posterior,
    images: np.ndarray,
    weightings: Sequence[Weighting],
    *,
    key: jax.Array,
    scale: np.ndarray | None = None,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> np.ndarray:
    r"""Return the pixel variances under each weighting, by the same random directions.

    .. math:: J (w - U C U^T w) = J w - \sum_j c_j\, (u_j^T w)\, J u_j

    so S products with the random directions and k with the eigenvectors serve every C.

    Parameters
    ----------
    posterior
        With the full basis of k eigenvectors; its own prior precision is not looked at.
    images
        Shape (n, ...).
    weightings
        The posteriors wanted. Each takes the first of the directions, as many as it asks for.
    key
        For the directions, which are those of `slug.score` with this key.
    scale
        Shape (p,): a factor on each parameter of the random directions, 1 by default.
    batch_size
        How many images are linearised at once.
    progress
        Called as ``progress(done, total, message)``.

    Returns
    -------
    ndarray (weightings, n, ...)
    """
    dtype = posterior.parameters.dtype
    count = max(weighting.num_samples for weighting in weightings)
    directions = normals(seed_from(key), range(count), posterior.parameters.size, dtype)
    if scale is not None:
        directions *= scale
    along = coefficients(posterior.basis, directions)
    linearise = ggn.lineariser(posterior.apply, posterior.parameters)
    parts = list(batches(np.asarray(images, dtype), batch_size))
    made = []
    for number, batch in enumerate(parts):
        outputs, jvp = linearise(batch.images)
        random = _pushed(jvp, directions, outputs.shape)[:, : batch.size]
        leading = _pushed(jvp, posterior.basis, outputs.shape)[:, : batch.size]
        made.append(np.stack([_mean_square(w, along, random, leading) for w in weightings]))
        if progress is not None:
            progress(number + 1, len(parts), f"batches of {len(batch.images)} images")
    return np.concatenate(made, axis=1)


def _pushed(jvp: ggn.Linear, directions: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    made = [np.asarray(ggn.push(jvp, jnp.asarray(one))) for one in directions]
    return np.asarray(made).reshape(len(directions), *shape)


def _mean_square(
    weighting: Weighting, along: np.ndarray, random: np.ndarray, leading: np.ndarray
) -> np.ndarray:
    count = weighting.num_samples
    removed = (along[:count] * weighting.removed).astype(random.dtype)
    # The difference of the products is taken before the squares, never after.
    return np.mean((random[:count] - np.tensordot(removed, leading, 1)) ** 2, axis=0)
