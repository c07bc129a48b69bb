"""Any pytree of parameters as one flat vector."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from slugkit.errors import InputError


@dataclass(frozen=True)
class Layout:
    """Which leaves of a pytree make up the vector, and their shapes; equal for equal models."""

    names: tuple[str, ...]  # the path of each leaf, such as "decoder/conv/kernel"
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[Any, ...]
    selected: tuple[int, ...]  # the positions of the leaves that make up the vector
    treedef: Any

    def to_tree(self, vector: jax.Array | np.ndarray, fixed: list[Any]) -> Any:
        """Return the pytree whose selected leaves are taken from `vector` (p,)."""
        chosen, rest = set(self.selected), iter(fixed)
        leaves, start = [], 0
        for i, (shape, dtype) in enumerate(zip(self.shapes, self.dtypes, strict=True)):
            if i in chosen:
                size = math.prod(shape)
                leaves.append(vector[start : start + size].reshape(shape).astype(dtype))
                start += size
            else:
                leaves.append(next(rest))
        return jax.tree.unflatten(self.treedef, leaves)


@dataclass(frozen=True)
class FlatParameters:
    """The selected leaves of a pytree as one vector; the others stay fixed."""

    leaves: tuple[Any, ...]  # all leaves of the tree
    layout: Layout

    @property
    def names(self) -> tuple[str, ...]:
        """The path of each leaf."""
        return self.layout.names

    @property
    def selected(self) -> tuple[int, ...]:
        """The positions of the leaves that make up the vector."""
        return self.layout.selected

    @property
    def dtype(self) -> Any:
        """The type of the vector: float64 if a selected leaf has it, otherwise float32."""
        return jnp.result_type(jnp.float32, *(self.leaves[i] for i in self.selected))

    @property
    def size(self) -> int:
        """The number of parameters p in the vector."""
        return sum(self.leaves[i].size for i in self.selected)

    @property
    def vector(self) -> jax.Array:
        """The selected parameters as a vector of shape (p,)."""
        # By numpy: jax would compile a function for the shape of each leaf.
        parts = [np.ravel(np.asarray(self.leaves[i])).astype(self.dtype) for i in self.selected]
        return jnp.asarray(np.concatenate(parts))

    @property
    def fixed(self) -> list[Any]:
        """The leaves that are not selected, in the tree's order."""
        chosen = set(self.selected)
        return [leaf for i, leaf in enumerate(self.leaves) if i not in chosen]

    def to_tree(self, vector: jax.Array | np.ndarray, fixed: list[Any]) -> Any:
        """Return the pytree whose selected leaves are taken from `vector` (p,)."""
        return self.layout.to_tree(vector, fixed)

    def digest(self) -> str:
        """Return a SHA-256 digest of all leaves: names, shapes, types and values."""
        digest = hashlib.sha256()
        for name, leaf in zip(self.names, self.leaves, strict=True):
            array = np.asarray(leaf)
            digest.update(f"{name}:{array.dtype}:{array.shape};".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def flatten(params: Any, parameter_filter: Callable[[str], bool] | None = None) -> FlatParameters:
    """Flatten a pytree of arrays, keeping as variables the leaves that the filter selects.

    Parameters
    ----------
    params
        Any pytree of arrays.
    parameter_filter
        Called with the path of each leaf, such as ``"decoder/conv/kernel"``; only the leaves for
        which it returns true belong to the vector. None selects all.

    Raises
    ------
    InputError
        No leaf is selected, or a selected leaf is not of a floating type or not finite.

    Examples
    --------
    >>> params = {"encoder": jnp.ones(3), "decoder": jnp.zeros((2, 2))}
    >>> flatten(params, lambda name: name.startswith("decoder")).size
    4
    """
    with_paths, treedef = jax.tree_util.tree_flatten_with_path(params)
    names = tuple(jax.tree_util.keystr(path, simple=True, separator="/") for path, _ in with_paths)
    leaves = tuple(leaf if hasattr(leaf, "dtype") else np.asarray(leaf) for _, leaf in with_paths)
    selected = tuple(
        i for i, name in enumerate(names) if parameter_filter is None or parameter_filter(name)
    )
    if not selected:
        raise InputError(
            f"no parameters selected: the filter rejects all {len(names)} leaves, "
            f"among them {', '.join(map(repr, names[:3])) or 'none'}; let it accept at least one"
        )
    for i in selected:
        _check_leaf(names[i], leaves[i])
    shapes, dtypes = (
        tuple(getattr(leaf, field) for leaf in leaves) for field in ("shape", "dtype")
    )
    return FlatParameters(leaves, Layout(names, shapes, dtypes, selected, treedef))


def _check_leaf(name: str, leaf: Any) -> None:
    if not jnp.issubdtype(leaf.dtype, jnp.floating):
        raise InputError(
            f"parameter {name!r} has type {leaf.dtype}, which has no derivative; "
            "exclude it with parameter_filter or close over it in apply"
        )
    if not np.isfinite(np.asarray(leaf)).all():
        raise InputError(
            f"parameter {name!r} has values that are not finite; "
            "restore the parameters from before training diverged"
        )
