"""Models as the users of each library of JAX write them, against their dense Jacobians."""

from functools import partial

import equinox as eqx
import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from dense_model import dense_eigenpairs, dense_jacobian, dense_variance
from flax import linen, nnx

from slugkit import slug
from slugkit.errors import InputError

KEY = jax.random.key(3)
SIZE, LATENT, RANK = 4, 3, 4
TRAIN, TEST = (
    np.random.default_rng(seed).normal(size=(count, SIZE, SIZE, 1)).astype(np.float32)
    for seed, count in ((0, 8), (1, 3))
)


class Linen(linen.Module):
    """Convolution, batch normalisation and dropout, which `train` switches."""

    @linen.compact
    def __call__(self, x, train):
        shape = x.shape
        x = linen.Conv(2, (3, 3), strides=2)(x)
        x = linen.BatchNorm(use_running_average=not train)(x)
        x = linen.Dropout(0.2, deterministic=not train)(linen.tanh(x)).reshape(len(x), -1)
        return linen.sigmoid(linen.Dense(SIZE * SIZE)(linen.Dense(LATENT)(x))).reshape(shape)


def with_linen():
    model = Linen()
    variables = jax.jit(partial(model.init, train=False))(KEY, TRAIN)
    train = partial(model.apply, train=True, rngs={"dropout": KEY}, mutable=["batch_stats"])
    _, updates = jax.jit(train)(variables, TRAIN)
    variables = {**variables, **updates}  # statistics other than 0 and 1

    def reference(params, images):
        return model.apply({**variables, "params": params}, images, train=False)

    return partial(model.apply, train=False), variables, reference, variables["params"]


class Nnx(nnx.Module):
    """The same network."""

    def __init__(self, rngs):
        self.conv = nnx.Conv(1, 2, (3, 3), strides=2, rngs=rngs)
        self.norm = nnx.BatchNorm(2, rngs=rngs)
        self.dropout = nnx.Dropout(0.2, rngs=rngs)
        self.encode = nnx.Linear(8, LATENT, rngs=rngs)
        self.decode = nnx.Linear(LATENT, SIZE * SIZE, rngs=rngs)

    def __call__(self, x):
        hidden = self.dropout(jnp.tanh(self.norm(self.conv(x)))).reshape(len(x), -1)
        return nnx.sigmoid(self.decode(self.encode(hidden))).reshape(x.shape)


def trained_nnx():
    model = Nnx(nnx.Rngs(0))
    model(jnp.asarray(TRAIN))  # statistics other than 0 and 1
    model.eval()
    return model, *nnx.split(model, nnx.Param, ...)


def with_nnx_as_it_is():
    model, graph, params, rest = trained_nnx()

    def reference(params, images):
        return nnx.merge(graph, params, rest)(images)

    return lambda model, images: model(images), model, reference, params


def with_nnx_split_in_two():
    model, *_ = trained_nnx()
    graph, state = nnx.split(model)
    _, _, reference, params = with_nnx_as_it_is()
    return lambda state, images: nnx.merge(graph, state)(images), state, reference, params


def with_nnx_parameters_alone():
    _, _, reference, params = with_nnx_as_it_is()
    return reference, params, reference, params


class Equinox(eqx.Module):
    """Of single images, with a static field and a leaf that is None."""

    encode: eqx.nn.Linear
    decode: eqx.nn.Linear
    activation: object
    size: int = eqx.field(static=True)

    def __init__(self, key):
        keys = jax.random.split(key)
        self.encode = eqx.nn.Linear(SIZE * SIZE, LATENT, use_bias=False, key=keys[0])
        self.decode = eqx.nn.Linear(LATENT, SIZE * SIZE, key=keys[1])
        self.activation, self.size = jax.nn.tanh, SIZE

    def __call__(self, image):
        hidden = self.activation(self.encode(image.reshape(-1)))
        return self.decode(hidden).reshape(self.size, self.size, 1)


def with_equinox():
    params, static = eqx.partition(Equinox(KEY), eqx.is_array)

    def apply(params, images):
        return jax.vmap(eqx.combine(params, static))(images)

    return apply, params, apply, params


def with_haiku():
    @hk.without_apply_rng
    @hk.transform
    def model(images):
        hidden = jnp.tanh(hk.Conv2D(2, 3, stride=2)(images)).reshape(len(images), -1)
        return hk.Linear(SIZE * SIZE)(hk.Linear(LATENT)(hidden)).reshape(images.shape)

    params = jax.jit(model.init)(KEY, TRAIN)
    return model.apply, params, model.apply, params


def with_haiku_and_statistics():
    @hk.without_apply_rng
    @hk.transform_with_state
    def model(images, train):
        hidden = hk.Flatten()(hk.Conv2D(2, 3, stride=2)(images))
        hidden = jnp.tanh(hk.BatchNorm(True, True, 0.5)(hidden, is_training=train))
        return hk.Linear(SIZE * SIZE)(hk.Linear(LATENT)(hidden)).reshape(images.shape)

    params, state = jax.jit(partial(model.init, train=True))(KEY, TRAIN)
    _, state = jax.jit(partial(model.apply, train=True))(params, state, TRAIN)

    def apply(params, images):
        reconstruction, _ = model.apply(params, state, images, train=False)
        return reconstruction

    return apply, params, apply, params


@pytest.mark.parametrize(
    "made",
    [
        with_linen,
        with_nnx_as_it_is,
        with_nnx_split_in_two,
        with_nnx_parameters_alone,
        with_equinox,
        with_haiku,
        with_haiku_and_statistics,
    ],
)
def test_fits_scores_and_maps_are_those_of_the_dense_jacobian(made):
    apply, given, reference, params = made()
    posterior = slug.fit(
        apply, given, TRAIN, rank=RANK, key=KEY, solver=slug.Lanczos(tolerance=1e-6)
    )
    assert posterior.parameters.size == sum(leaf.size for leaf in jax.tree.leaves(params))
    eigenvalues, basis = dense_eigenpairs(dense_jacobian(reference, params, TRAIN), RANK)
    np.testing.assert_allclose(posterior.eigenvalues, eigenvalues, rtol=1e-4)
    expected = dense_variance(dense_jacobian(reference, params, TEST), basis)
    score, variance = slug.score_and_variance(posterior, TEST, key=KEY, estimator="exact")
    np.testing.assert_allclose(score.value, expected.sum(axis=1), rtol=1e-4)
    np.testing.assert_allclose(
        variance.value.reshape(expected.shape), expected, rtol=1e-3, atol=1e-4 * expected.max()
    )


def refusal_of(apply, params):
    with pytest.raises(InputError) as error:
        slug.fit(apply, params, TRAIN, rank=RANK, key=KEY)
    return str(error.value)


def test_an_equinox_model_that_is_not_partitioned_is_told_so():
    message = refusal_of(lambda model, images: jax.vmap(model)(images), Equinox(KEY))
    assert message.startswith("parameter 'activation' is of type ")
    assert message.endswith("give arrays alone as parameters, and close over the rest in apply")


def test_an_equinox_model_of_single_images_is_told_to_be_mapped():
    params, static = eqx.partition(Equinox(KEY), eqx.is_array)
    message = refusal_of(lambda params, image: eqx.combine(params, static)(image), params)
    assert message.endswith("give jax.vmap(apply, in_axes=(None, 0))")


def test_haiku_is_told_of_its_key_and_of_its_state():
    model = hk.transform_with_state(lambda images: hk.Linear(2)(images))
    params, state = model.init(KEY, TRAIN)
    assert refusal_of(model.apply, params).startswith(
        "apply(params, images) raises TypeError for images of shape (3, 4, 4, 1): "
    )
    assert refusal_of(lambda params, images: model.apply(params, state, None, images), params) == (
        "apply(params, images) returned a tuple of 2; return the reconstruction alone, such as "
        "lambda p, x: model(p, x)[0]"
    )


def test_linen_is_told_of_its_flag_and_of_its_statistics():
    model, variables = Linen(), with_linen()[1]
    assert "required positional argument: 'train'" in refusal_of(model.apply, variables)
    message = refusal_of(lambda v, x: model.apply(v, x, train=True), variables)
    assert 'collection "batch_stats" is immutable' in message


def test_an_nnx_module_in_training_mode_is_told_of_its_noise():
    model, *_ = trained_nnx()
    model.train()
    assert "switch off dropout" in refusal_of(lambda model, images: model(images), model)
