"""What the encoder says about an image, and its place in the image."""

import numpy as np
from jaxtyping import Float

from slugkit.baselines.interface import Problem
from slugkit.operators.batches import evaluate

Latents = Float[np.ndarray, "n ..."]


def encode(problem: Problem, images: Float[np.ndarray, "n H W C"]) -> tuple[Latents, Latents]:
    """Return the means and the standard deviations of q(z|x)."""
    model = problem.model
    return evaluate(model.encode(), model.params, images, problem.batch_size)


def to_pixels(latents: Latents, shape: tuple[int, ...]) -> Float[np.ndarray, "n H W"] | None:
    """Return latents (n, h, w, c) summed over channels and enlarged to the pixels (n, H, W).

    Latents of the whole image, (n, c), have no place: None.

    >>> to_pixels(np.ones((1, 1, 1, 3)), (2, 2)).tolist()
    [[[3.0, 3.0], [3.0, 3.0]]]
    """
    if latents.ndim != 4:
        return None
    summed = latents.sum(axis=-1)
    rows, columns = (size // part for size, part in zip(shape, summed.shape[1:], strict=True))
    return summed.repeat(rows, axis=1).repeat(columns, axis=2)
