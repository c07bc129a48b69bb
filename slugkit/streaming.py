"""Scores of more images than fit into memory, from disk to a table that can be resumed."""

import glob
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from slugkit import refusals, slug
from slugkit.checks.arrays import check_key
from slugkit.checks.numbers import check_count
from slugkit.errors import counted_from
from slugkit.estimators.budget import DEFAULT_NUM_PRODUCTS
from slugkit.estimators.interface import Estimator
from slugkit.operators.program import program_digest
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
    bytes. With other images, options, another model or posterior it begins anew, for which all
    images are read once before; what such calls left unfinished goes when the table is whole.

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
    check_key(key)
    num_samples = check_count("num_samples", num_samples)
    batch_size = check_count("batch_size", batch_size)
    chunk_size = check_count("chunk_size", chunk_size)
    _check_stream(images)
    path = _table_path(path)
    options = (num_samples, jax.random.key_data(key).tolist(), batch_size, chunk_size, estimator)
    identity = _identity(posterior, images, chunk_size, options)
    partial = path.with_name(f".{path.name}-{identity}.partial")
    with partial.open("ab+") as table:
        done = _keep_whole_chunks(table, chunk_size)
        for start in range(done, len(images), chunk_size):
            chunk = images[start : start + chunk_size]
            with counted_from(start):
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
    for abandoned in path.parent.glob(f".{glob.escape(path.name)}-*.partial"):
        abandoned.unlink(missing_ok=True)
    return path


def _check_stream(images: Any) -> None:
    has_positions = hasattr(images, "__len__") and hasattr(images, "__getitem__")
    if not has_positions or isinstance(images, str | bytes | Mapping):
        raise refusals.STREAM_KIND.error(given=f"of type {type(images).__name__}")
    if len(images) == 0:
        raise refusals.IMAGES_SHAPE.error(shape=np.shape(images))


def _table_path(path: Any) -> Path:
    """Return the path of a file that can be made, in a folder that is there."""
    if not isinstance(path, str | os.PathLike):
        raise refusals.TABLE_PATH.error(path=repr(path), reason="that is no path")
    path = Path(path)
    if path.is_dir():
        raise refusals.TABLE_PATH.error(path=path, reason="there is a folder of that name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise refusals.TABLE_PATH.error(
            path=path, reason=f"{error.filename} is no folder"
        ) from error
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


def _identity(
    posterior: Posterior | SketchedPosterior, images: Any, chunk_size: int, options: tuple
) -> str:
    """Identify a table by all that decides its numbers."""
    known = posterior.exact if isinstance(posterior, SketchedPosterior) else posterior
    arrays = [known.eigenvalues, known.basis]
    if isinstance(posterior, SketchedPosterior):
        arrays.append(posterior.sketched.rows)
        options = (*options, posterior.sketched.sketch.description())
    parameters = known.parameters.digest()
    program = program_digest(known.apply, known.parameters, known.image_shape)
    digest = hashlib.sha256(f"{parameters}:{program}:{known.prior_precision}:{options}".encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array).view(np.uint8).tobytes())
    for start in range(0, len(images), chunk_size):
        chunk = np.asarray(images[start : start + chunk_size])
        digest.update(f"{chunk.dtype}:{chunk.shape}".encode())
        digest.update(np.ascontiguousarray(chunk).tobytes())
    return digest.hexdigest()[:12]
