"""Checks of a model: the message for each kind of model that cannot be used, and its cause."""

import collections

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import io_callback
from small_model import SHAPE, apply, make_images, make_params

from slugkit.checks.model import (
    OTHER_PROGRAM,
    ROUNDING_OF_PRODUCTS,
    check_derivative,
    check_model,
    check_outputs,
)
from slugkit.data.synthesis.synthetic import generate
from slugkit.errors import InputError
from slugkit.model import vae
from slugkit.model.architecture import Architecture
from slugkit.operators.batches import batches
from slugkit.operators.jacobian import lineariser
from slugkit.operators.parameters import flatten
from slugkit.operators.program import OF_PRODUCTS

FLAT = flatten(make_params())
KEY = jax.random.key(0)


def message_for(model, images=None):
    with pytest.raises(InputError) as error:
        check_model(model, FLAT, make_images(9) if images is None else images)
    return str(error.value), error.value.__cause__


def test_a_good_model_gives_the_shape_of_its_outputs():
    assert check_model(apply, FLAT, make_images(3)).output_shape == SHAPE


@pytest.mark.slow
def test_one_program_may_cut_products_off_where_another_has_them_in_full(monkeypatch):
    """On a graphics card, emulated: the paper's network with factors of ten bits, and of all."""
    architecture = Architecture(128, (32, 64, 64, 64), "spatial", 16, 0.002, blocks=2)
    images = generate([1, 2, 5, 6], 128, 0)
    convolution = vae.convolution

    def cut(array):
        bits = jax.lax.bitcast_convert_type(array, jnp.uint32) & jnp.uint32(0xFFFFE000)
        return jax.lax.bitcast_convert_type(bits, jnp.float32)

    def with_ten_bits(inputs, kernel, *arguments, **options):
        return convolution(cut(inputs), cut(kernel), *arguments, **options)

    def outputs():
        model = vae.initialise(architecture, seed=0)
        return np.asarray(jax.jit(model.reconstruct())(model.params, images))

    monkeypatch.setattr(vae, "_structure", vae._structure.__wrapped__)  # it keeps its networks
    in_full = outputs()
    monkeypatch.setattr(vae, "convolution", with_ten_bits)
    distance = np.abs(outputs() - in_full).max() / np.abs(in_full).max()
    assert OTHER_PROGRAM < distance <= ROUNDING_OF_PRODUCTS * OF_PRODUCTS["gpu"]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("batch_size", [1, 2, 3, None])
def test_a_good_model_passes_in_any_batches(count, batch_size):
    images = make_images(count)
    checked = check_model(apply, FLAT, images, batch_size)
    linearise = lineariser(apply, FLAT)
    for batch in batches(images, batch_size):
        checked.check_batch(batch, linearise(batch.images)[0])


def test_the_check_traces_what_the_fit_traces_and_compiles_once():
    calls = []

    def model(params, images):
        calls.append(len(images))
        return apply(params, images)

    images = make_images(9)
    check_model(model, FLAT, images)
    assert sorted(calls) == [3, 9]
    lineariser(model, FLAT)(jnp.asarray(images))
    assert sorted(calls) == [3, 9]


Output = collections.namedtuple("Output", "mean reconstruction")


class Opaque:
    pass


RETURN = "return the reconstruction alone, such as lambda p, x: model(p, x)"


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda made: (made, made, made), f"a tuple of 3; {RETURN}[0]"),
        (lambda made: [made, made], f"a list of 2; {RETURN}[0]"),
        (
            lambda made: {"mean": made, "recon": made},
            f"a dict of 'mean', 'recon'; {RETURN}['recon']",
        ),
        (lambda made: {"b": made, "a": made}, f"a dict of 'a', 'b'; {RETURN}['a']"),
        (lambda made: Output(made, made), f"an object of type Output; {RETURN}.reconstruction"),
        (lambda made: Opaque(), f"a value of type Opaque; {RETURN}.reconstruction"),
        (lambda made: None, "None; end it with `return` and the reconstruction"),
    ],
)
def test_outputs_that_are_no_array(returned, message):
    made, _ = message_for(lambda p, x: returned(apply(p, x)))
    assert made == f"apply(params, images) returned {message}"


@pytest.mark.parametrize(
    ("returned", "shape", "kind"),
    [
        (lambda made: made.sum(axis=0), "(4, 4, 2)", "float32"),
        (lambda made: made.mean(), "()", "float32"),
        (lambda made: made > 0, "(3, 4, 4, 2)", "bool"),
        (lambda made: jnp.argmax(made, axis=-1), "(3, 4, 4)", "int32"),
        (lambda made: made + 0j, "(3, 4, 4, 2)", "complex64"),
    ],
)
def test_outputs_of_another_shape_or_type(returned, shape, kind):
    made, _ = message_for(lambda p, x: returned(apply(p, x)))
    assert made == (
        f"apply(params, images) returned shape {shape} and type {kind} for 3 images; return "
        "floating-point outputs whose first axis counts the images; a model of single images "
        "becomes one by jax.vmap(apply, in_axes=(None, 0))"
    )


VALUES = "write it with jax.numpy, jnp.where and jax.lax.cond in place of numpy, float() and `if`"
ABSTRACT = "Abstract tracer value encountered where concrete value is expected"


@pytest.mark.parametrize(
    ("model", "reason", "cause"),
    [
        (
            lambda p, x: np.tanh(x),
            "The numpy.ndarray conversion method __array__() was called on traced array with shape "
            "float32[3,4,4,2]",
            jax.errors.TracerArrayConversionError,
        ),
        (
            lambda p, x: apply(p, x) if x.mean() > 0 else x,
            "Attempted boolean conversion of traced array with shape bool[]",
            jax.errors.TracerBoolConversionError,
        ),
        (
            lambda p, x: x * float(p["encoder"]["bias"][0]),
            f"{ABSTRACT}: traced array with shape float32[]",
            jax.errors.ConcretizationTypeError,
        ),
        (
            lambda p, x: [x, -x][x[0, 0, 0, 0].astype(int)],
            "The __index__() method was called on traced array with shape int32[]",
            jax.errors.TracerIntegerConversionError,
        ),
        (
            lambda p, x: apply(p, x) + x[x > 0].sum(),
            "Array boolean indices must be concrete; got bool[3,4,4,2]",
            jax.errors.NonConcreteBooleanIndexError,
        ),
        (
            lambda p, x: apply(p, x.numpy()),
            "DynamicJaxprTracer has no attribute numpy",
            AttributeError,
        ),
    ],
)
def test_values_inside_of_apply(model, reason, cause):
    made, found = message_for(model)
    assert made == f"apply uses the values of traced arrays: {reason}; {VALUES}"
    assert isinstance(found, cause)


def single(params, image):
    assert image.shape == SHAPE
    return apply(params, image[None])[0]


def single_vector(params, image):
    return jnp.tanh(image.ravel() @ params["encoder"]["kernel"]) @ params["decoder"]["kernel"]


@pytest.mark.parametrize("model", [single, single_vector])
def test_models_of_single_images(model):
    made, cause = message_for(model)
    assert made == (
        "apply(params, images) takes single images, of shape (4, 4, 2), and refuses 3 at once; "
        "give jax.vmap(apply, in_axes=(None, 0))"
    )
    assert cause is not None
    check_model(jax.vmap(model, in_axes=(None, 0)), FLAT, make_images(5))


@pytest.mark.parametrize("model", [apply, jax.vmap(single, in_axes=(None, 0))])
def test_an_image_without_the_axis_that_counts(model):
    made, cause = message_for(model, make_images(1)[0])
    assert made == (
        "images have shape (4, 4, 2), which is that of one image; give images[None], so that the "
        "first axis counts the images"
    )
    assert cause is not None


def convolution(channels, axes):
    """Return a model of images with that many channels, whose axes lie as those letters say."""
    pixels = len(axes) - 2

    def model(params, images):
        kernel = params["encoder"]["kernel"][:channels, 0].reshape(1, channels, *pixels * (1,))
        numbers = axes, axes.replace("N", "O").replace("C", "I"), axes
        kernel = jnp.moveaxis(kernel, 1, axes.index("C"))
        return jax.lax.conv_general_dilated(
            images, kernel, pixels * (1,), "SAME", dimension_numbers=numbers
        )

    return model


@pytest.mark.parametrize(
    ("given", "axes", "channels", "taken", "how"),
    [
        ((9, 8, 8), "NHWC", 1, (3, 8, 8, 1), "images[..., None]"),
        ((9, 8, 8), "NCHW", 1, (3, 1, 8, 8), "images[:, None]"),
        ((9, 8, 8, 8), "NDHWC", 1, (3, 8, 8, 8, 1), "images[..., None]"),
        ((9, 8, 8, 8), "NCDHW", 1, (3, 1, 8, 8, 8), "images[:, None]"),
        ((9, 2, 8, 8), "NHWC", 2, (3, 8, 8, 2), "np.moveaxis(images, 1, -1)"),
        ((9, 8, 8, 2), "NCHW", 2, (3, 2, 8, 8), "np.moveaxis(images, -1, 1)"),
        ((9, 8, 8, 8, 2), "NCDHW", 2, (3, 2, 8, 8, 8), "np.moveaxis(images, -1, 1)"),
    ],
)
def test_images_whose_channels_are_elsewhere(given, axes, channels, taken, how):
    model, images = convolution(channels, axes), np.random.default_rng(0).normal(size=given)
    images = images.astype(np.float32)
    assert message_for(model, images)[0] == (
        f"apply(params, images) refuses images of shape {(3, *given[1:])}, but takes {taken}; "
        f"give {how}"
    )
    turned = eval(how, {"images": images, "np": np})
    assert check_model(model, FLAT, turned).output_shape == model(make_params(), turned).shape[1:]


def test_an_image_whose_rows_pass_for_images():
    """A convolution takes arrays with and without the axis that counts."""

    def model(params, images):
        rows = jnp.cumsum(images, axis=-3)
        return rows * params["encoder"]["bias"][0]

    made, _ = message_for(model, make_images(1)[0])
    assert made == (
        "images have shape (4, 4, 2), which is that of one image; give images[None], so that the "
        "first axis counts the images"
    )


@pytest.mark.parametrize(
    ("model", "reason", "kind"),
    [
        (lambda p, x: x @ p["missing"], "KeyError", "'missing'"),
        (
            lambda p, x, train: x,
            "TypeError",
            "missing 1 required positional argument: 'train'",
        ),
        (lambda p, x: x.reshape(7, -1), "TypeError", "cannot reshape array of shape (3, 4, 4, 2)"),
    ],
)
def test_models_that_raise(model, reason, kind):
    made, cause = message_for(model)
    begin = f"apply(params, images) raises {reason} for images of shape (3, 4, 4, 2): "
    assert made.startswith(begin)
    assert kind in made
    assert made.endswith("; call it so by itself until it returns the reconstructions")
    assert type(cause).__name__ == reason


def test_the_words_of_a_model_of_ours_stay():
    def model(params, images):
        raise InputError("the image is too small")

    assert message_for(model)[0] == "the image is too small"


@jax.custom_vjp
def own_backward(x):
    return 2 * x


own_backward.defvjp(lambda x: (2 * x, None), lambda residuals, cotangent: (2 * cotangent,))


def called_back(x, by=jax.pure_callback):
    return by(lambda value: np.asarray(value), jax.ShapeDtypeStruct(x.shape, x.dtype), x)


def until(x):
    return jax.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, jnp.sin(c[1])), (0, x))[1]


def as_many_as(x):
    return jax.lax.fori_loop(0, jnp.int32(x.mean()), lambda i, c: jnp.sin(c), x)


FORWARD = "the model has no forward-mode derivative, because of"
CUSTOM_JVP = (
    f"{FORWARD} jax.custom_vjp; give the function a forward-mode rule by jax.custom_jvp, of which "
    "JAX makes both modes"
)
CALLBACK = f"{FORWARD} a callback; write it with jax.numpy, or give it a rule by jax.custom_jvp"
WHILE = (
    "the model has no reverse-mode derivative, because of jax.lax.while_loop; use jax.lax.scan, or "
    "a fixed number of steps in jax.lax.fori_loop"
)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (own_backward, CUSTOM_JVP),
        (jax.jit(own_backward), CUSTOM_JVP),
        (jax.checkpoint(own_backward), CUSTOM_JVP),
        (called_back, CALLBACK),
        (lambda x: called_back(x, io_callback), CALLBACK),
        (jax.jit(called_back), CALLBACK),
        (until, WHILE),
        (as_many_as, WHILE),
        (jax.jit(until), WHILE),
    ],
)
def test_functions_without_a_derivative_of_both_modes(function, message):
    assert message_for(lambda p, x: function(apply(p, x)))[0] == message


@pytest.mark.parametrize(
    "function",
    [
        lambda x: jax.lax.fori_loop(0, 3, lambda i, c: jnp.sin(c), x),
        lambda x: jax.lax.scan(lambda c, _: (jnp.sin(c), None), x, None, 3)[0],
        lambda x: jax.lax.cond(True, jnp.sin, jnp.cos, x),
        lambda x: jax.checkpoint(jnp.sin)(x),
    ],
)
def test_functions_with_both(function):
    check_model(lambda p, x: function(apply(p, x)), FLAT, make_images(4))
    # Of the images alone no derivative is needed.
    check_model(lambda p, x: apply(p, own_backward(x)), FLAT, make_images(4))


def normalised(params, x):
    return apply(params, (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-3))


def images_with_first(first):
    images = make_images(6)
    images[0] = first
    return images


STATISTICS = (
    "an image's output depends on the other images of its batch; put batch normalisation into "
    "evaluation mode with frozen statistics (model.eval() in PyTorch and flax "
    "nnx, use_running_average=True in linen)"
)


@pytest.mark.parametrize(
    "images",
    [
        make_images(6),
        images_with_first(0),  # black
        images_with_first(0.5),  # constant
        np.repeat(make_images(1), 6, axis=0),  # all equal
        np.repeat(images_with_first(0)[:1], 6, axis=0),  # all black
        make_images(3),
        make_images(2),
        make_images(1),
    ],
)
@pytest.mark.parametrize(
    "model",
    [
        normalised,
        lambda p, x: apply(p, x) - 0.01 * apply(p, x).mean(axis=0),
        lambda p, x: apply(p, x - x[:1]),
        lambda p, x: jnp.sort(apply(p, x), axis=0),
        lambda p, x: jnp.roll(apply(p, x), 1, axis=0),
    ],
)
def test_statistics_of_the_batch(model, images):
    assert message_for(model, images)[0] == STATISTICS


NOISE = (
    "an image's output depends on its place among the images, as the model draws noise from a "
    "fixed key; decode the latent mean, and switch off dropout"
)


@pytest.mark.parametrize(
    "draw",
    [
        lambda shape: 0.01 * jax.random.normal(KEY, shape),
        lambda shape: 0.01 * jax.random.normal(jax.random.PRNGKey(0), shape),
        lambda shape: jax.random.bernoulli(KEY, 0.5, shape),
        lambda shape: jax.random.uniform(KEY, shape[:1])[:, None, None, None],
    ],
)
def test_noise_from_a_fixed_key(draw):
    assert message_for(lambda p, x: apply(p, x + draw(x.shape)))[0] == NOISE
    assert message_for(lambda p, x: apply(p, x + draw(x.shape)), make_images(1))[0] == NOISE


def test_noise_that_all_images_share_is_no_chance():
    check_model(lambda p, x: apply(p, x + jax.random.normal(KEY, SHAPE)), FLAT, make_images(4))


POSITION = (
    "an image's output depends on its place among the images, or on their number; let apply treat "
    "each image alike, without its index and without len(images)"
)


@pytest.mark.parametrize(
    "model",
    [
        lambda p, x: apply(p, x) * (1 + jnp.arange(len(x)))[:, None, None, None],
        lambda p, x: apply(p, x).at[-1].set(0),
        lambda p, x: apply(p, x.at[0].add(0.01)),
    ],
)
def test_outputs_that_depend_on_the_place(model):
    assert message_for(model)[0] == POSITION


@pytest.mark.parametrize(
    "model", [lambda p, x: apply(p, x) / len(x), lambda p, x: apply(p, x) + jnp.sin(len(x))]
)
@pytest.mark.parametrize("count", [1, 3, 6])
def test_outputs_that_depend_on_their_number(model, count):
    images = make_images(count)
    checked = check_model(model, FLAT, images)
    (batch,) = batches(images)
    outputs = model(make_params(), batch.images)
    with pytest.raises(InputError) as error:
        checked.check_batch(batch, outputs)
    assert str(error.value) == POSITION


RANDOM = (
    "the model's output changes between two equal calls; switch off dropout and every other "
    "randomness (model.eval() in PyTorch and flax nnx) and decode the latent mean"
)


@pytest.mark.parametrize("shape", [lambda x: x.shape, lambda x: (*x.shape[:1], 1, 1, 1)])
def test_a_model_that_draws_by_numpy(shape):
    random = np.random.default_rng(0)

    def noisy(params, images):
        return apply(params, images) * random.uniform(size=shape(images))

    assert message_for(noisy)[0] == RANDOM


def test_a_model_that_draws_once_for_all_images():
    random, images = np.random.default_rng(0), make_images(6)

    def noisy(params, images):
        return apply(params, images) * random.uniform(size=SHAPE)

    checked = check_model(noisy, FLAT, images)
    (batch,) = batches(images)
    with pytest.raises(InputError) as error:
        checked.check_batch(batch, noisy(make_params(), batch.images))
    assert str(error.value) == RANDOM


@pytest.mark.parametrize("kind", [jnp.bfloat16, jnp.float16])
def test_rounding_of_coarse_types_is_no_dependence(kind):
    def model(params, images):
        coarse = jax.tree.map(lambda leaf: leaf.astype(kind), params)
        return apply(coarse, images.astype(kind)).astype(jnp.float32)

    images = make_images(40)
    checked = check_model(model, FLAT, images)
    for batch in batches(images):
        checked.check_batch(batch, model(make_params(), batch.images))
    with pytest.raises(InputError, match="batch normalisation"):
        check_model(lambda p, x: model(p, x - x.mean(axis=0)), FLAT, images)


def test_outputs_that_are_not_finite_are_named():
    check_outputs(jnp.ones((2, 3)))
    outputs = jnp.ones((4, 3)).at[2, 1].set(jnp.nan)
    with pytest.raises(InputError) as error:
        check_outputs(outputs, 10)
    assert str(error.value) == (
        "the model's output for image 12 is not finite; check this image and the parameters"
    )


def test_derivatives_that_are_not_finite_are_named():
    check_derivative(np.ones(3), 0)
    with pytest.raises(InputError) as error:
        check_derivative(np.array([1.0, np.inf, np.nan]), 4)
    assert str(error.value) == (
        "the model's derivative in its parameters is not finite at image 5; look for a root, a "
        "norm or a logarithm at 0, as in jnp.sqrt(x), and write jnp.sqrt(x + 1e-12); or for an "
        "overflow in float16"
    )
