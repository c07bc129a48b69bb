"""Any pytree of parameters as one vector."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slugkit.errors import InputError
from slugkit.operators.parameters import flatten

PARAMS = {
    "encoder": {"kernel": np.arange(6, dtype=np.float32).reshape(2, 3)},
    "decoder": [np.ones(2, np.float32), jnp.zeros((), jnp.bfloat16)],
    "steps": np.array(3),
}


def floating(name):
    return name != "steps"


def test_a_tree_comes_back_from_its_vector():
    flat = flatten(PARAMS, floating)
    assert flat.size == 9
    assert flat.names == ("decoder/0", "decoder/1", "encoder/kernel", "steps")
    again = flat.to_tree(flat.vector, flat.fixed)
    assert jax.tree.structure(again) == jax.tree.structure(PARAMS)
    for one, other in zip(jax.tree.leaves(again), jax.tree.leaves(PARAMS), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(np.asarray(one, float), np.asarray(other, float))


def test_what_is_not_selected_stays_fixed():
    flat = flatten(PARAMS, lambda name: name.startswith("encoder"))
    moved = flat.to_tree(flat.vector + 1, flat.fixed)
    np.testing.assert_array_equal(moved["encoder"]["kernel"], PARAMS["encoder"]["kernel"] + 1)
    np.testing.assert_array_equal(moved["decoder"][0], PARAMS["decoder"][0])


def test_the_digest_knows_every_leaf():
    digest = flatten(PARAMS, floating).digest()
    assert flatten(PARAMS, lambda name: name == "decoder/0").digest() == digest
    other = {**PARAMS, "steps": np.array(4)}
    assert flatten(other, floating).digest() != digest


@pytest.mark.parametrize(
    ("params", "select", "message"),
    [
        (PARAMS, lambda name: False, "rejects all 4 leaves, among them 'decoder/0'"),
        (PARAMS, None, "'steps' has type int64"),
        ({"a": np.array([np.nan])}, None, "'a' has values that are not finite"),
    ],
)
def test_unusable_parameters_are_named(params, select, message):
    with pytest.raises(InputError, match=message):
        flatten(params, select)
