"""What the encoder says about an image, and its place in the image."""

import numpy as np

from slugkit.baselines.comparison import Autoencoder, run


def encode(
    model: Autoencoder, images: np.ndarray, batch_size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the means and the standard deviations of q(z|x), each (n, ...)."""
    return run(model.encode(), model.params, images, batch_size)


def divergences(mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Return the divergence of each latent from the standard normal prior, in nats.

    >>> divergences(np.array([[1.0]]), np.array([[1.0]])).tolist()
    [[0.5]]
    """
    return 0.5 * (mean**2 + deviation**2 - 1 - 2 * np.log(deviation))


def to_pixels(latents: np.ndarray, shape: tuple[int, int]) -> np.ndarray | None:
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
