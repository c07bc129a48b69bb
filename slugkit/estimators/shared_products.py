"""Estimates under many posteriors of one model, from one set of Jacobian products."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from slugkit.errors import InputError
from slugkit.linalg.basis import coefficients
from slugkit.linalg.random import normals, seed_from
from slugkit.operators.batches import batches
from slugkit.operators.jacobian import Linear, lineariser, push
from slugkit.posterior import Posterior
from slugkit.progress import ProgressCallback


def variances(
    posteriors: Sequence[Posterior],
    images: Float[np.ndarray, "n ..."],
    *,
    num_samples: int | Sequence[int],
    key: jax.Array,
    scale: Float[np.ndarray, " p"] | None = None,
    batch_size: int | None = None,
    progress: ProgressCallback | None = None,
) -> Float[np.ndarray, "posteriors n ..."]:
    r"""Return the pixel variances under each posterior, by the same random directions.

    .. math:: J (w - U C U^T w) = J w - \sum_j c_j\, (u_j^T w)\, J u_j

    so S products with the random directions and k with the eigenvectors serve every C. Under a
    prior precision a it is the variance times a: all have the scale of the projector.

    Parameters
    ----------
    posteriors
        Made of one posterior by `Posterior.truncated` and `Posterior.with_prior`.
    images
        Shape (n, ...).
    num_samples
        The number S of random directions, for all or for each posterior; all take the first ones.
    key
        For the directions, which are those of `slug.score` with this key.
    scale
        A factor on each parameter of the random directions, 1 by default.
    batch_size
        How many images are linearised at once.
    progress
        Called as ``progress(done, total, message)``.

    Raises
    ------
    InputError
        The posteriors are of several bases.
    """
    widest = max(posteriors, key=lambda one: one.rank)
    _check_same_basis(posteriors, widest)
    counts = [num_samples] * len(posteriors) if isinstance(num_samples, int) else num_samples
    removed = [np.pad(one.shrinkage, (0, widest.rank - one.rank)) for one in posteriors]
    dtype = widest.parameters.dtype
    directions = normals(seed_from(key), range(max(counts)), widest.parameters.size, dtype)
    if scale is not None:
        directions *= scale
    along = coefficients(widest.basis, directions)
    linearise = lineariser(widest.apply, widest.parameters)
    parts = list(batches(np.asarray(images, dtype), batch_size))
    made = []
    for number, batch in enumerate(parts):
        outputs, jvp = linearise(batch.images)
        random = _pushed(jvp, directions, outputs.shape)[:, : batch.size]
        leading = _pushed(jvp, widest.basis, outputs.shape)[:, : batch.size]
        made.append(
            np.stack(
                [
                    _mean_square(random[:count], along[:count] * one, leading)
                    for one, count in zip(removed, counts, strict=True)
                ]
            )
        )
        if progress is not None:
            progress(number + 1, len(parts), f"batches of {len(batch.images)} images")
    return np.concatenate(made, axis=1)


def _check_same_basis(posteriors: Sequence[Posterior], widest: Posterior) -> None:
    for one in posteriors:
        if not np.array_equal(one.basis, widest.basis[: one.rank]):
            raise InputError(
                "the posteriors have different bases; give those that truncated and with_prior "
                "make of one posterior"
            )


def _pushed(jvp: Linear, directions: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    made = [np.asarray(push(jvp, jnp.asarray(one))) for one in directions]
    return np.asarray(made).reshape(len(directions), *shape)


def _mean_square(random: np.ndarray, removed: np.ndarray, leading: np.ndarray) -> np.ndarray:
    # The difference of the products is taken before the squares, never after.
    return np.mean((random - np.tensordot(removed.astype(random.dtype), leading, 1)) ** 2, axis=0)
