"""Any pytree of parameters as one vector."""

import flax
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import linen, nnx
from flax.training.train_state import TrainState

from slugkit.errors import InputError
from slugkit.operators.parameters import flatten
from slugkit.operators.program import primitives

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


def test_cotangents_of_leaves_are_put_one_after_the_other():
    """Not each into a vector of its own that is as long as all of them."""
    parameters = flatten({str(i): jnp.arange(3.0 * i).reshape(3, i) + i for i in range(1, 30)})
    tree = parameters.tree
    vector = jax.ShapeDtypeStruct((parameters.size,), parameters.dtype)

    def back(cotangents):
        return jax.linear_transpose(lambda v: parameters.to_tree(v, []), vector)(cotangents)[0]

    assert "pad" not in primitives(jax.make_jaxpr(back)(tree))
    np.testing.assert_array_equal(back(tree), parameters.vector)


def test_the_digest_knows_every_leaf():
    digest = flatten(PARAMS, floating).digest()
    assert flatten(PARAMS, lambda name: name == "decoder/0").digest() == digest
    other = {**PARAMS, "steps": np.array(4)}
    assert flatten(other, floating).digest() != digest


@pytest.mark.parametrize(
    ("params", "select", "message"),
    [
        (PARAMS, lambda name: False, "rejects all 4 leaves, among them 'decoder/0'"),
        (PARAMS, lambda name: True, "'steps' has type int64"),
        ({"a": np.array([np.nan])}, None, "'a' has values that are not finite"),
    ],
)
def test_unusable_parameters_are_named(params, select, message):
    with pytest.raises(InputError, match=message):
        flatten(params, select)


def statistics_fixed(params):
    flat = flatten(params)
    return {name for i, name in enumerate(flat.names) if i not in flat.selected}


def test_what_is_no_parameter_stays_fixed():
    params = {
        "weights": np.ones(3, np.float32),
        "steps": np.array(4),
        "on": True,
        "key": jax.random.key(0),
        "old key": jax.random.PRNGKey(0),
    }
    assert statistics_fixed(params) == {"steps", "on", "key", "old key"}
    assert repr(flatten(params)) == "3 parameters, 1 leaves uncertain and 4 fixed"
    assert len(flatten(params).digest()) == 64


class Linen(linen.Module):
    """Batch normalisation, and a collection of one's own."""

    @linen.compact
    def __call__(self, x):
        scale = self.variable("ranges", "scale", jnp.ones, 4)
        return linen.BatchNorm(use_running_average=True)(linen.Dense(4)(x)) * scale.value


def linen_variables():
    return Linen().init(jax.random.key(0), jnp.ones((2, 3)))


@pytest.mark.parametrize(
    ("wrap", "prefixes"),
    [
        (lambda one: one, [""]),
        (flax.core.freeze, [""]),
        (lambda one: {"encoder": one, "decoder": one}, ["encoder/", "decoder/"]),
        (lambda one: (one, jnp.ones(3)), ["0/"]),
        (lambda one: [flax.core.freeze(one), one], ["0/", "1/"]),
    ],
)
def test_the_other_collections_of_linen_stay_fixed(wrap, prefixes):
    fixed = [
        "batch_stats/BatchNorm_0/mean",
        "batch_stats/BatchNorm_0/var",
        "ranges/scale",
    ]
    params = wrap(linen_variables())
    assert statistics_fixed(params) == {prefix + name for prefix in prefixes for name in fixed}


def test_a_training_state_has_parameters_and_others():
    state = TrainState.create(apply_fn=None, params={"w": jnp.ones(3)}, tx=optax.adam(1e-3))
    flat = flatten(state)
    assert [flat.names[i] for i in flat.selected] == ["params/w"]


class Nnx(nnx.Module):
    """Batch normalisation, dropout, a low-rank layer, and a variable of no kind."""

    def __init__(self):
        rngs = nnx.Rngs(0)
        self.norm = nnx.BatchNorm(4, rngs=rngs)
        self.dropout = nnx.Dropout(0.5, rngs=rngs)
        self.low_rank = nnx.LoRA(4, 1, 4, rngs=rngs)
        self.other = nnx.Variable(jnp.ones(2))


@pytest.mark.parametrize("wrap", [lambda one: one, nnx.state, lambda one: {"model": one}])
def test_the_variables_of_nnx_that_are_no_parameters_stay_fixed(wrap):
    flat = flatten(wrap(Nnx()))
    names = {name.removeprefix("model/") for name in (flat.names[i] for i in flat.selected)}
    assert names == {
        "low_rank/lora_a/value",
        "low_rank/lora_b/value",
        "norm/bias/value",
        "norm/scale/value",
    }
    assert len(flat.names) > len(names) + 4


@pytest.mark.parametrize("params", [linen_variables(), Nnx()])
def test_a_filter_decides_alone(params):
    flat = flatten(params, lambda name: "mean" in name or "bias" in name)
    assert len(flat.selected) >= 2
    assert any("mean" in flat.names[i] for i in flat.selected)


@pytest.mark.parametrize("number", [2.5, np.float64(2.5), np.array(2.5), np.array([2.5])])
def test_numbers_in_double_precision_do_not_warn(number):
    flat = flatten({"a": np.ones(2, np.float32), "scale": number})
    assert flat.dtype == np.float32
    tree = jax.jit(lambda vector: flat.to_tree(vector, flat.fixed))(flat.vector)
    assert np.ravel(tree["scale"]) == 2.5


def test_a_python_number_has_no_type_of_its_own():
    with jax.enable_x64(True):
        assert flatten({"a": np.ones(2, np.float32), "scale": 2.5}).dtype == np.float32
        assert flatten({"a": np.ones(2, np.float32), "scale": np.float64(2)}).dtype == np.float64


def deleted():
    array = jnp.ones(3)
    array.delete()
    return array


SOME = "select at least one leaf of a floating type"


@pytest.mark.parametrize(
    ("leaf", "select", "message"),
    [
        (
            jnp.ones(2, jnp.float8_e4m3fn),
            None,
            "parameter 'a' has type float8_e4m3fn, with which JAX does not compute; convert it to "
            "float32, and back in apply where the model wants it",
        ),
        (
            np.ones(2, jnp.float8_e5m2),
            None,
            "parameter 'a' has type float8_e5m2, with which JAX does not compute; convert it to "
            "float32, and back in apply where the model wants it",
        ),
        (
            1j,
            None,
            "parameter 'a' has type complex64, which has no derivative here; exclude it with "
            "parameter_filter or close over it in apply",
        ),
        (
            jax.random.key(0),
            lambda name: True,
            "parameter 'a' has type key<fry>, which has no derivative here; exclude it with "
            "parameter_filter or close over it in apply",
        ),
        (
            jnp.tanh,
            None,
            "parameter 'a' is of type PjitFunction; give arrays alone as parameters, and close "
            "over the rest in apply",
        ),
        (
            "relu",
            None,
            "parameter 'a' is of type str; give arrays alone as parameters, and close over the "
            "rest in apply",
        ),
        (
            jax.ShapeDtypeStruct((3,), jnp.float32),
            None,
            "parameter 'a' is of type ShapeDtypeStruct; give arrays alone as parameters, and close "
            "over the rest in apply",
        ),
        (
            np.ma.masked_less(np.zeros(2), 1),
            None,
            "parameter 'a' has masked values; fill them first, as numpy.ma.filled does",
        ),
        (
            np.ma.masked_less(np.zeros(2, int), 1),
            None,
            "parameter 'a' has masked values; fill them first, as numpy.ma.filled does",
        ),
        (
            deleted(),
            None,
            "parameter 'a' was deleted; take the parameters that the training step returned",
        ),
        (
            np.arange(3),
            None,
            f"no parameters selected: none of 1 leaves is a parameter, among them 'a'; {SOME}",
        ),
        (
            None,
            None,
            f"no parameters selected: none of 0 leaves is a parameter, among them none; {SOME}",
        ),
        (
            np.ones(3),
            lambda name: False,
            f"no parameters selected: the filter rejects all 1 leaves, among them 'a'; {SOME}",
        ),
    ],
)
def test_leaves_that_are_no_parameters_are_named(leaf, select, message):
    with pytest.raises(InputError) as error:
        flatten({"a": leaf}, select)
    assert str(error.value) == message
