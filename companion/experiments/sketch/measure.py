"""How far the score with a sketched basis is from that with the full one."""

from collections.abc import Iterable
from functools import partial
from typing import Any

import jax
import numpy as np
import pandas as pd

from slugkit import slug
from slugkit.estimators.shared_products import scores as scores_under
from slugkit.progress import Progress


def measure(
    apply: Any,
    params: Any,
    train_images: np.ndarray,
    images: np.ndarray,
    *,
    rank: int,
    steps: Iterable[int],
    shares: Iterable[float],
    sketches: Iterable[str],
    num_samples: int,
    batch_size: int,
    key: jax.Array,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Return scores with sketched bases, over those with the full basis of the same images.

    The same products serve all, so that only the basis makes a difference.

    Parameters
    ----------
    apply, params
        The model.
    train_images, images
        Those of the curvature, and those that are scored.
    rank
        The number k of eigenpairs of the full basis.
    steps
        Numbers of sketched Lanczos steps: as they drop their vectors, k of them do not find k
        eigenpairs.
    shares
        Sketch sizes s, as shares of the number of parameters p.
    sketches
        Kinds of sketch.
    num_samples
        Of the Hutchinson estimator, the only one that works with a sketched basis.
    batch_size
        Of the products.
    key
        For all random numbers.
    progress
        Called as ``progress(done, total, message)``.

    Returns
    -------
    DataFrame
        One row per (sketch, share, steps, image): sketch_size, directions (that survive), score,
        full_score, ratio, removed (the share of the plain Jacobian norm that the full basis
        removes) and numbers_kept, relative to the full basis.
    """
    fit = partial(slug.fit, apply, params, train_images, key=key, batch_size=batch_size)
    full = fit(rank=rank, solver=slug.Lanczos(max_products=4 * rank))
    assert isinstance(full, slug.Posterior)
    size = full.parameters.size
    cases = [(k, share, m) for k in sketches for share in shares for m in steps]
    sketched = []
    for number, (kind, share, count) in enumerate(cases):
        fitted = fit(
            rank=count,
            solver=slug.SketchedLanczos(kind, sketch_size=max(1, round(share * size))),
        )
        assert isinstance(fitted, slug.SketchedPosterior)
        sketched.append(fitted)
        if progress is not None:
            progress(number + 1, len(cases), f"{kind}, {share:.0%} of p, {count} steps")
    forms = [one.squared_norms for one in (full, full.truncated(0), *sketched)]
    expected, plain, *made = scores_under(full, forms, images, num_samples=num_samples, key=key)
    rows = []
    for (kind, share, count), fitted, scores in zip(cases, sketched, made, strict=True):
        for image, score in enumerate(scores):
            rows.append(
                {
                    "sketch": kind,
                    "share": share,
                    "steps": count,
                    "image": image,
                    "sketch_size": round(share * size),
                    "directions": len(fitted.sketched.rows),
                    "score": score,
                    "full_score": expected[image],
                    "ratio": score / expected[image],
                    "removed": 1 - expected[image] / plain[image],
                    "numbers_kept": fitted.sketched.rows.size / (rank * size),
                }
            )
    return pd.DataFrame(rows)
