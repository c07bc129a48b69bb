"""Any pytree of parameters as one flat vector."""

import hashlib
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from slugkit import refusals

# Of float8 JAX computes nothing.
SMALLEST_FLOAT = 2  # bytes


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
        leaves = dict(zip(self.selected, self._parts(vector), strict=True))
        rest = iter(fixed)
        return jax.tree.unflatten(
            self.treedef,
            [leaves[i] if i in leaves else next(rest) for i in range(len(self.shapes))],
        )

    def _parts(self, vector: jax.Array | np.ndarray) -> Iterator[Any]:
        sizes = [math.prod(self.shapes[i]) for i in self.selected]
        # Its transpose is one concatenation. That of a slice is a vector as long as the whole.
        split: Sequence[Any] = (
            np.split(vector, np.cumsum(sizes)[:-1])
            if isinstance(vector, np.ndarray)
            else jax.lax.split(vector, sizes)
        )
        for i, part in zip(self.selected, split, strict=True):
            yield part.reshape(self.shapes[i]).astype(self.dtypes[i])


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
        return jnp.result_type(jnp.float32, *(self.layout.dtypes[i] for i in self.selected))

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

    @property
    def tree(self) -> Any:
        """The pytree as it was given."""
        return jax.tree.unflatten(self.layout.treedef, self.leaves)

    def to_tree(self, vector: jax.Array | np.ndarray, fixed: list[Any]) -> Any:
        """Return the pytree whose selected leaves are taken from `vector` (p,)."""
        return self.layout.to_tree(vector, fixed)

    def __repr__(self) -> str:
        uncertain, fixed = len(self.selected), len(self.leaves) - len(self.selected)
        return f"{self.size:,} parameters, {uncertain} leaves uncertain and {fixed} fixed"

    def digest(self) -> str:
        """Return a SHA-256 digest of all leaves: names, shapes, types and values."""
        digest = hashlib.sha256()
        for name, leaf in zip(self.names, self.leaves, strict=True):
            is_key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
            array = np.asarray(jax.random.key_data(leaf) if is_key else leaf)
            digest.update(f"{name}:{array.dtype}:{array.shape};".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def flatten(params: Any, parameter_filter: Callable[[str], bool] | None = None) -> FlatParameters:
    """Flatten a pytree of arrays, keeping as variables the leaves that are parameters.

    Parameters
    ----------
    params
        Any pytree of arrays.
    parameter_filter
        Called with the path of each leaf, such as ``"decoder/conv/kernel"``; only the leaves for
        which it returns true belong to the vector. None selects all but what is no parameter:
        integers, random keys, whatever stands beside "params" (as the other collections of flax
        linen do), and the variables of flax nnx that are no `nnx.Param`.

    Raises
    ------
    InputError
        No leaf is selected; a selected leaf is not of a floating type or not finite; or a leaf is
        no array.

    Examples
    --------
    >>> params = {"encoder": jnp.ones(3), "decoder": jnp.zeros((2, 2))}
    >>> flatten(params, lambda name: name.startswith("decoder")).size
    4
    >>> flatten({"params": params, "batch_stats": jnp.ones(5)})
    7 parameters, 2 leaves uncertain and 1 fixed
    """
    with_paths, treedef = jax.tree_util.tree_flatten_with_path(params)
    paths = [_keys(path) for path, _ in with_paths]
    names = tuple("/".join(path) for path in paths)
    leaves = tuple(_as_array(name, leaf) for name, (_, leaf) in zip(names, with_paths, strict=True))
    if parameter_filter is None:
        fixed = _beside_params(paths) | _other_variables(params)
        selected = tuple(
            i
            for i, leaf in enumerate(leaves)
            if jnp.issubdtype(leaf.dtype, jnp.inexact)
            and not any(paths[i][:length] in fixed for length in range(len(paths[i]) + 1))
        )
        why = f"none of {len(names)} leaves is a parameter"
    else:
        selected = tuple(i for i, name in enumerate(names) if parameter_filter(name))
        why = f"the filter rejects all {len(names)} leaves"
    if not selected:
        some = ", ".join(map(repr, names[:3])) or "none"
        raise refusals.NO_PARAMETERS.error(why=why, names=some)
    for i in selected:
        _check_leaf(names[i], leaves[i])
    shapes = tuple(leaf.shape for leaf in leaves)
    dtypes = tuple(jax.dtypes.canonicalize_dtype(leaf.dtype, True) for leaf in leaves)
    return FlatParameters(leaves, Layout(names, shapes, dtypes, selected, treedef))


def _keys(path: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(jax.tree_util.keystr((key,), simple=True) for key in path)


def _beside_params(paths: list[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """Return the paths of what stands beside an entry "params"."""
    parents = {path[:i] for path in paths for i, key in enumerate(path) if key == "params"}
    return {
        path[: i + 1]
        for path in paths
        for i, key in enumerate(path)
        if path[:i] in parents and key != "params"
    }


def _other_variables(params: Any) -> set[tuple[str, ...]]:
    """Return the paths of the variables of flax nnx that are no parameters."""
    nnx = sys.modules.get("flax.nnx")
    if nnx is None:  # then there are none, and the method does without flax
        return set()
    found, _ = jax.tree_util.tree_flatten_with_path(
        params, is_leaf=lambda node: isinstance(node, nnx.Variable)
    )
    return {
        _keys(path)
        for path, node in found
        if isinstance(node, nnx.Variable) and not isinstance(node, nnx.Param)
    }


def _as_array(name: str, leaf: Any) -> Any:
    """Return a leaf with a type and a shape, or say why it is none."""
    if isinstance(leaf, jax.Array):
        if leaf.is_deleted():
            raise refusals.PARAMETER_DELETED.error(name=name)
        return leaf
    if np.ma.is_masked(leaf):
        raise refusals.PARAMETER_MASKED.error(name=name)
    if isinstance(leaf, bool | int | float | complex) and not isinstance(leaf, np.generic):
        # As JAX takes them: a Python number has no type of its own beside an array's.
        return np.asarray(leaf, np.float32 if isinstance(leaf, float) else jnp.result_type(leaf))
    array = np.asarray(leaf)
    if not jnp.issubdtype(array.dtype, np.number) and array.dtype != bool:
        raise refusals.PARAMETER_KIND.error(name=name, given=f"of type {type(leaf).__name__}")
    return array


def _check_leaf(name: str, leaf: Any) -> None:
    if not jnp.issubdtype(leaf.dtype, jnp.floating):
        raise refusals.PARAMETER_TYPE.error(name=name, dtype=leaf.dtype)
    if leaf.dtype.itemsize < SMALLEST_FLOAT:
        raise refusals.PARAMETER_FLOAT8.error(name=name, dtype=leaf.dtype)
    if not np.isfinite(np.asarray(leaf)).all():
        raise refusals.PARAMETER_NOT_FINITE.error(name=name)
