"""Lanczos iteration that keeps its vectors only as sketched."""

from typing import Any

import numpy as np

from slugkit.linalg.recurrence import Product, recurrence
from slugkit.linalg.sketch import Sketch
from slugkit.linalg.sketched_basis import SketchedBasis
from slugkit.progress import ProgressCallback


def sketched_lanczos(
    product: Product,
    sketch: Sketch,
    num_products: int,
    *,
    length: int,
    seed: int,
    threshold: float = 1e-3,
    dtype: Any = np.float32,
    progress: ProgressCallback | None = None,
) -> tuple[SketchedBasis, int]:
    r"""Run the three-term Lanczos recurrence and keep each vector only as sketched.

    .. math:: U_s = \mathrm{orth}(S v_1, \dots, S v_m)

    Takes O(p + s m) memory. Without reorthogonalisation the vectors repeat the directions of
    eigenpairs that have converged, so the sketched vectors are decomposed, and directions whose
    singular value is below the threshold (relative to the largest) are dropped.

    Parameters
    ----------
    product
        Maps a vector (p,) to A times it.
    sketch
        From length p to length s.
    num_products
        The number m of steps.
    length
        The number of rows p.
    seed
        For the first vector.
    threshold
        Of the singular values.
    dtype
        The type of the vectors.
    progress
        Called as ``progress(done, total, message)`` for each vector.

    Returns
    -------
    The sketched basis, and the number of products spent.

    Raises
    ------
    InputError
        A product is not finite, or the sketch is no larger than the number of directions.

    References
    ----------
    Miani, Beretta, Hauberg, Sketched Lanczos Uncertainty Score: a low-memory summary of the Fisher
    information, NeurIPS 2024, algorithm 1.
    """
    kept: list[np.ndarray] = []

    def keep(vector: np.ndarray) -> None:
        kept.append(sketch(vector))
        if progress is not None:
            progress(len(kept), num_products, "sketched Lanczos vectors")

    random = np.random.default_rng(seed)
    start = random.standard_normal((length,), np.float32).astype(dtype)
    recurrence(product, start, num_products, reorthogonalise=False, visit=keep)
    _, singular, rows = np.linalg.svd(np.stack(kept), full_matrices=False)
    return SketchedBasis(sketch, rows[singular > threshold * singular[0]]), len(kept)
