"""How far the score with a sketched basis is from that with the full one."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import numpy as np
import pandas as pd

from slugkit import slug
from slugkit.estimators import outputs
from slugkit.linalg.estimates import Effort
from slugkit.operators import ggn
from slugkit.operators.scaled_jacobian import Root
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
    full = fit(rank=rank, max_products=4 * rank)
    size = full.parameters.size
    nothing = replace(full, basis=full.basis[:0], eigenvalues=full.eigenvalues[:0])
    cases = [(k, share, m) for k in sketches for share in shares for m in steps]
    sketched = []
    for number, (kind, share, count) in enumerate(cases):
        fitted = fit(
            rank=count,
            basis="sketched",
            sketch=kind,
            sketch_size=max(1, round(share * size)),
        )
        sketched.append(fitted)
        if progress is not None:
            progress(number + 1, len(cases), f"{kind}, {share:.0%} of p, {count} steps")
    posteriors = [full, nothing, *sketched]
    expected, plain, *made = _scores(posteriors, images, num_samples, key)
    rows = []
    for (kind, share, count), fitted, scores in zip(cases, sketched, made, strict=True):
        assert fitted.sketched is not None
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


def _scores(
    posteriors: Sequence[slug.Posterior], images: np.ndarray, num_samples: int, key: jax.Array
) -> np.ndarray:
    """Return the paper's scores (posteriors, n), those that `slug.score` gives for this key."""
    effort = Effort(num_samples, None, score=True, variance=False)
    first = posteriors[0]
    linearise = ggn.lineariser(first.apply, first.parameters)
    made = []
    for index, image in enumerate(images.astype(first.parameters.dtype)):
        root = Root(first, linearise, image, index)
        estimate = outputs.traces(root, posteriors, effort, jax.random.fold_in(key, index))
        made.append(estimate.value[0])
    return np.stack(made, axis=1)
