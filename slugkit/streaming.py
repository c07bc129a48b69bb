"""Scores of more images than fit into memory, from disk to a table that can be resumed."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from slugkit import slug
from slugkit.checks.arrays import check_batch_size
from slugkit.errors import InputError
from slugkit.estimators.budget import DEFAULT_NUM_PRODUCTS
from slugkit.estimators.interface import Estimator
from slugkit.posterior import Posterior, SketchedPosterior
from slugkit.progress import ProgressCallback

COLUMNS = "image,score,standard_error,num_products\n"


def score_stream(
    posterior: Posterior | SketchedPosterior,
    images: np.ndarray | Sequence[Any],
    path: str | os.PathLike[str],
    *,
    num_samples: int = DEFAULT_NUM_PRODUCTS,
    key: jax.Array,
    batch_size: int = 32,
    chunk_size: int = 1024,
    estimator: Estimator | str | None = None,
    progress: ProgressCallback | None = None,
) -> Path:
    """Score images chunk by chunk and write one row per image to a CSV file, in constant memory.

    All chunks share the random directions, so that the scores are those of one call of
    `slug.score`. The rows gather in a file beside `path` that has the table's place only when it
    is whole; the same call after an interruption goes on from its last whole chunk, to the same
    bytes. With other images, options or another posterior it begins anew.

    Parameters
    ----------
    posterior
        From `slug.fit` or `slug.load`.
    images
        Anything with a length n whose slices are arrays (m, ...), such as
        ``numpy.load(path, mmap_mode="r")``; only one chunk is read at a time.
    path
        The table: image (its position), score, standard_error, num_products.
    num_samples, key, batch_size, estimator
        As for `slug.score`.
    chunk_size
        Images that are read, scored and written at once.
    progress
        Called as ``progress(done, total, message)`` after each chunk.

    Returns
    -------
    The path of the table.

    Raises
    ------
    InputError
        There are no images, an option is unusable, or an image does not fit the posterior.
    OSError
        The table cannot be written; what is finished is kept.
    """
    check_batch_size(batch_size)
    if chunk_size < 1:
        raise InputError(f"chunk_size is {chunk_size}; give a number of at least 1")
    if len(images) == 0:
        raise InputError("there are no images to score; give at least one")
    path = Path(path)
    options = (num_samples, jax.random.key_data(key).tolist(), batch_size, chunk_size, estimator)
    partial = path.with_name(f".{path.stem}-{_identity(posterior, images, options)}.partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    with partial.open("ab+") as table:
        done = _keep_whole_chunks(table, chunk_size)
        for start in range(done, len(images), chunk_size):
            chunk = np.asarray(images[start : start + chunk_size])
            made = slug.score(
                posterior,
                chunk,
                num_samples=num_samples,
                key=key,
                batch_size=batch_size,
                estimator=estimator,
            )
            rows = zip(made.value, made.standard_error, strict=True)
            text = "".join(
                f"{start + i},{value},{error},{made.num_products}\n"
                for i, (value, error) in enumerate(rows)
            )
            table.write(text.encode())
            table.flush()
            os.fsync(table.fileno())
            if progress is not None:
                progress(start + len(chunk), len(images), "images scored")
    os.replace(partial, path)
    return path


def _keep_whole_chunks(table: Any, chunk_size: int) -> int:
    """Cut off what an interruption left of a chunk; return the number of rows that stay."""
    table.seek(0)
    if table.readline() != COLUMNS.encode():
        table.truncate(0)
        table.write(COLUMNS.encode())
        return 0
    whole, end = 0, table.tell()
    for rows, line in enumerate(iter(table.readline, b""), start=1):
        if not line.endswith(b"\n"):
            break
        if rows % chunk_size == 0:
            whole, end = rows, table.tell()
    table.truncate(end)
    return whole


def _identity(posterior: Posterior | SketchedPosterior, images: Any, options: tuple) -> str:
    """Identify a table by what decides its numbers; of the images by their number and two of them,
    as reading all of them would take too long."""
    known = posterior.exact if isinstance(posterior, SketchedPosterior) else posterior
    arrays = [known.eigenvalues, known.basis, images[:1], images[-1:]]
    if isinstance(posterior, SketchedPosterior):
        arrays.append(posterior.sketched.rows)
        options = (*options, posterior.sketched.sketch.description())
    parameters = known.parameters.digest()
    digest = hashlib.sha256(f"{parameters}:{known.prior_precision}:{options}".encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array).view(np.uint8).tobytes())
    digest.update(str(len(images)).encode())
    return digest.hexdigest()[:12]
