"""What a model computes, as JAX traces it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_model import SHAPE, apply, make_params

from slugkit.operators.parameters import flatten
from slugkit.operators.program import (
    coarsest_float,
    draws,
    primitives,
    program_digest,
    rounding_of,
    rounding_of_products,
)

FLAT = flatten(make_params())


def trace(function):
    return jax.make_jaxpr(function)(jnp.ones(3)).jaxpr


def test_primitives_of_inner_functions_are_found():
    def function(x):
        inner = jax.jit(lambda y: jax.lax.cond(y.sum() > 0, jnp.sin, jnp.cos, y))
        return jax.lax.scan(lambda c, _: (inner(c), None), x, None, 2)[0]

    assert {"scan", "cond", "sin", "cos"} <= primitives(trace(function))


@pytest.mark.parametrize(
    "draw",
    [
        lambda x: jax.random.normal(jax.random.key(0), x.shape),
        lambda x: jax.random.bits(jax.random.PRNGKey(0), x.shape),
        lambda x: jax.random.gamma(jax.random.key(0), x),
    ],
)
def test_random_numbers_are_seen(draw):
    assert draws(trace(lambda x: x + draw(x)))
    assert not draws(trace(jnp.sin))


@pytest.mark.parametrize("kind", [jnp.bfloat16, jnp.float16])
def test_the_coarsest_type_inside_counts(kind):
    made = trace(jax.jit(lambda x: jnp.sin(x.astype(kind)).astype(jnp.float32)))
    assert coarsest_float(made) == float(jnp.finfo(kind).eps)
    assert coarsest_float(trace(jnp.sin)) == float(jnp.finfo(jnp.float32).eps)


def digest(model):
    return program_digest(model, FLAT, SHAPE)


def test_products_of_float32_count_as_what_an_accelerator_makes_of_them(monkeypatch):
    single = jax.make_jaxpr(lambda x: x @ x)(jnp.eye(2))
    half = jax.make_jaxpr(lambda x: x @ x)(jnp.eye(2, dtype=jnp.float16))
    assert rounding_of_products(single) == 0
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert rounding_of_products(single) == 2**-10
    assert rounding_of_products(half) == 0  # its type says it all
    with jax.default_matmul_precision("highest"):
        assert rounding_of_products(single) == 0


def test_the_rounding_of_a_model_counts_its_products(monkeypatch):
    assert rounding_of(apply, FLAT, SHAPE) == jnp.finfo(jnp.float32).eps
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    with jax.default_matmul_precision("tensorfloat32"):
        assert rounding_of(apply, FLAT, SHAPE) == 2**-10


def test_the_digest_knows_code_and_constants_and_no_values():
    def closing_over(array):
        return lambda params, images: apply(params, images) + array

    ones = closing_over(jnp.ones(SHAPE))
    assert digest(apply) == digest(lambda p, x: apply(p, x))
    assert digest(ones) == digest(closing_over(jnp.ones(SHAPE)))
    others = [apply, closing_over(2 * jnp.ones(SHAPE)), lambda p, x: 2 * apply(p, x)]
    assert len({digest(model) for model in [ones, *others]}) == 4
    moved = flatten(jax.tree.map(lambda leaf: leaf + 1, make_params()))
    assert program_digest(apply, moved, SHAPE) == digest(apply)


def test_the_digest_does_not_tell_where_a_function_lies():
    def own(x):
        @jax.custom_jvp
        def function(x):
            return jnp.sin(x)

        function.defjvp(lambda primals, tangents: (function(*primals), tangents[0]))
        return function(x)

    assert digest(lambda p, x: own(apply(p, x))) == digest(lambda p, x: own(apply(p, x)))
    assert np.isfinite(float(own(1.0)))


@pytest.mark.parametrize("kind", [jnp.bfloat16, jnp.float16, jnp.float32])
def test_the_rounding_of_a_model_is_that_of_its_coarsest_type(kind):
    def model(params, images):
        return apply(params, images.astype(kind).astype(jnp.float32))

    assert rounding_of(model, FLAT, SHAPE) == float(jnp.finfo(kind).eps)

    class Unhashable(dict):
        def __call__(self, params, images):
            return model(params, images)

    assert rounding_of(Unhashable(), FLAT, SHAPE) == float(jnp.finfo(kind).eps)
