"""A few long vectors as the rows of a matrix in memory or in a file, read in blocks.

The matrix V has shape (m, p), type float32, float64 or bfloat16. Arithmetic is in the type of the
vectors that meet it, so that rows in bfloat16 halve the memory and not the precision of the sums.
"""

import os
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, UInt8

from slugkit.errors import InputError

ROWS_PER_BLOCK = 16
COLUMNS_PER_BLOCK = 1 << 16


def allocate(
    rows: int,
    columns: int,
    dtype: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    keep: bool = False,
) -> Float[np.ndarray, "m p"]:
    """Return room for V, in memory or in a file, which takes up space only as rows are written.

    Raises
    ------
    InputError
        The file cannot be written; or its rows are to be kept, and it is missing or cut short.
    """
    dtype = jnp.dtype(dtype)
    if path is None:
        return np.empty((rows, columns), dtype)
    path = Path(path)
    length = rows * columns * dtype.itemsize
    found = path.stat().st_size if path.exists() else 0
    if keep and found != length:
        raise InputError(
            f"the basis file {path} has {found} bytes instead of {length}: it is missing, was cut "
            "short or belongs to another fit; delete the checkpoint to begin anew"
        )
    try:
        # np.memmap knows no bfloat16 by name, so the bytes are mapped and then viewed.
        raw = np.memmap(path, np.uint8, "r+" if keep else "w+", shape=(length,))
    except OSError as error:
        raise InputError(
            f"the basis cannot be kept in {path} ({error.strerror}); give a path in a folder that "
            "exists and can be written"
        ) from error
    return raw.view(dtype).reshape(rows, columns)


def coefficients(
    basis: Float[np.ndarray, "m p"], vectors: Float[np.ndarray, "*s p"]
) -> Float[np.ndarray, "*s m"]:
    """Return X V^T for one or several vectors X."""
    parts = [vectors @ block.T for _, block in _blocks(basis, vectors.dtype)]
    return np.concatenate(parts, axis=-1) if parts else np.zeros((*vectors.shape[:-1], 0))


def combine(
    weights: Float[np.ndarray, "*s m"], basis: Float[np.ndarray, "m p"], dtype: Any
) -> Float[np.ndarray, "*s p"]:
    """Return C V for the weights C of one or several combinations."""
    total = np.zeros((*weights.shape[:-1], basis.shape[1]), dtype)
    for rows, block in _blocks(basis, dtype):
        total += weights[..., rows].astype(dtype) @ block
    return total


def orthogonalise(
    vector: Float[np.ndarray, " p"], basis: Float[np.ndarray, "m p"]
) -> tuple[Float[np.ndarray, " p"], Float[np.ndarray, " m"]]:
    """Return v - V V^T v and the coefficients V^T v in float64, reading V once."""
    removed = np.zeros(len(basis))
    for rows, block in _blocks(basis, vector.dtype):
        part = block @ vector
        vector = vector - part @ block
        removed[rows] = part
    return vector, removed


def rotate(
    basis: Float[np.ndarray, "n p"], rotation: Float[np.ndarray, "k m"], path: Path | None = None
) -> Float[np.ndarray, "k p"]:
    """Return R V for a rotation R and the first m rows of V.

    Without a path for the result it takes the place and the memory of V, which must own it.
    """
    kind = np.result_type(np.float32, basis.dtype)
    shape = len(rotation), basis.shape[1]
    rotated = basis[: shape[0]] if path is None else allocate(*shape, basis.dtype, path)
    for start in range(0, shape[1], COLUMNS_PER_BLOCK):
        columns = slice(start, start + COLUMNS_PER_BLOCK)
        block = basis[: rotation.shape[1], columns].astype(kind, copy=False)
        rotated[:, columns] = rotation.astype(kind) @ block
    if path is None:
        del rotated
        # Gives the rest of the memory back without a copy.
        basis.resize(shape, refcheck=False)
        return basis
    return rotated


def gram(basis: Float[np.ndarray, "m p"]) -> Float[np.ndarray, "m m"]:
    """Return V V^T."""
    kind = np.result_type(np.float32, basis.dtype)
    total = np.zeros((len(basis), len(basis)))
    for start in range(0, basis.shape[1], COLUMNS_PER_BLOCK):
        block = basis[:, start : start + COLUMNS_PER_BLOCK].astype(kind, copy=False)
        total += block @ block.T
    return total


def inner(
    vectors: Float[np.ndarray, "s p"], basis: Float[np.ndarray, "m p"]
) -> Float[np.ndarray, "s m"]:
    """Return X V^T in float64, where sums in float32 would lose what is small."""
    total = np.zeros((len(vectors), len(basis)))
    for start in range(0, basis.shape[1], COLUMNS_PER_BLOCK):
        columns = slice(start, start + COLUMNS_PER_BLOCK)
        total += vectors[:, columns].astype(float) @ basis[:, columns].astype(float).T
    return total


def _blocks(basis: np.ndarray, dtype: Any) -> Any:
    for start in range(0, len(basis), ROWS_PER_BLOCK):
        rows = slice(start, start + ROWS_PER_BLOCK)
        yield rows, basis[rows].astype(dtype, copy=False)


def to_bytes(basis: Float[np.ndarray, "m p"]) -> UInt8[np.ndarray, "m b"]:
    """Return V as bytes, since NumPy's files know no bfloat16."""
    return basis.view(np.uint8)


def from_bytes(array: UInt8[np.ndarray, "m b"], dtype: Any) -> Float[np.ndarray, "m p"]:
    """Return V from its bytes."""
    return array.view(jnp.dtype(dtype))
