"""Checks of a model, and what JAX says of it as our messages."""

import contextlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from slugkit import refusals
from slugkit.errors import InputError
from slugkit.operators.batches import Batch, common_size
from slugkit.operators.jacobian import Apply, trace_products
from slugkit.operators.parameters import FlatParameters
from slugkit.operators.program import coarsest_float, draws, primitives, rounding_of_products

# So many images are compared: beside copies of one, with others in another order and, in the first
# product, in another batch.
COMPARED, COMPARED_OF_FEW = 3, 2
# The program for them runs twice, so that on a CPU compiling it well takes longer than it saves.
IN_HASTE = {"xla_backend_optimization_level": 0}
# Of the largest output. One program rounds an image about alike wherever it stands; another one
# sums in another order.
SAME_PROGRAM, OTHER_PROGRAM = 1e-4, 2e-3
# Units of rounding of the coarsest type that the model computes in, and the largest tolerance.
ROUNDING, COARSEST = 8, 0.1
# The same for products that a device makes with fewer bits, where another program may cut off what
# this one rounds: the network of the paper, untrained, is about 15 units away with ten bits.
ROUNDING_OF_PRODUCTS = 32

# As XLA says it, at once or as it looks back.
NO_MEMORY = re.compile("Out of memory[^.\n]*")


@dataclass(frozen=True)
class CheckedModel:
    """A model that passed, and what is still to be compared with its outputs for all images."""

    output_shape: tuple[int, ...]
    forward: Any = field(repr=False)  # compiled
    tree: Any = field(repr=False)
    positions: list[int]  # of the images that were compared
    images: Float[np.ndarray, "m ..."] = field(repr=False)
    outputs: Float[np.ndarray, "m ..."] = field(repr=False)
    tolerance: float

    def check_batch(self, batch: Batch, outputs: jax.Array) -> None:
        """Raise an InputError if outputs are not finite, or others than they were.

        Parameters
        ----------
        batch
            Some of the images.
        outputs
            The model's, for that batch.
        """
        check_outputs(outputs[: batch.size], batch.start)
        for expected, position in zip(self.outputs, self.positions, strict=False):
            place = position - batch.start
            if 0 <= place < batch.size:
                made = np.asarray(outputs[place], expected.dtype)
                if _differ(expected, made, self.outputs, self.tolerance):
                    raise _dependence(
                        self.forward, self.tree, self.images, self.images, on_others=False
                    )


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Raise an InputError where JAX, as it computes, finds no memory or what a model has kept."""
    try:
        yield
    except jax.errors.UnexpectedTracerError as error:
        raise refusals.MODEL_KEEPS.error(reason=_first_line(error)) from error
    except (MemoryError, jax.errors.JaxRuntimeError) as error:
        found = NO_MEMORY.search(str(error))
        if not (found or isinstance(error, MemoryError)):
            raise
        reason = found[0] if found else _first_line(error)
        raise refusals.MEMORY.error(reason=reason) from error


def check_model(
    apply: Apply,
    parameters: FlatParameters,
    images: Float[np.ndarray, "n ..."],
    batch_size: int | None = None,
) -> CheckedModel:
    """Look at a model before anything long is computed with it.

    It is traced for a batch, as the fit does anyway, and compiled once for a few of the images.

    Raises
    ------
    InputError
        The model cannot be traced or has no derivatives of both modes; its outputs have the wrong
        first axis or are not of a floating type; or an image's output depends on the other images,
        on its place among them, or on chance.
    """
    size, tree = common_size(len(images), batch_size), parameters.tree
    count = COMPARED if len(images) >= 2 * COMPARED else COMPARED_OF_FEW
    if count == size:
        count += 1
    positions, compared = _different(images, count)
    forward = _compiled(lambda tree, batch: apply(tree, batch))
    traced = _trace(forward, apply, tree, compared, images)
    output_shape = _check_kind(traced.out_info, count)
    batch = jax.ShapeDtypeStruct((size, *images.shape[1:]), images.dtype)
    _check_derivatives(apply, parameters, batch, traced.jaxpr)

    types = ROUNDING * coarsest_float(traced.jaxpr)
    products = ROUNDING_OF_PRODUCTS * rounding_of_products(traced.jaxpr)
    same = min(max(SAME_PROGRAM, types), COARSEST)
    other = min(max(OTHER_PROGRAM, types, products), COARSEST)
    # The first image stands in each place beside copies of itself, and in the last beside others.
    copies, turned = (
        np.asarray(forward(tree, batch)).astype(np.float64)
        for batch in (np.repeat(compared[:1], count, axis=0), np.roll(compared, -1, axis=0))
    )
    if _differ(copies, np.roll(copies, 1, axis=0), turned, same):
        raise _dependence(forward, tree, compared, images, on_others=False)
    if _differ(copies[-1], turned[-1], turned, same):
        raise _dependence(forward, tree, compared, images, on_others=True)
    together = np.roll(turned, 1, axis=0)
    return CheckedModel(output_shape, forward, tree, positions, compared, together, other)


def check_outputs(outputs: jax.Array, start: int = 0) -> None:
    """Raise an ImageError if the outputs of images, counted from `start`, are not finite."""
    finite = np.asarray(_finite(outputs))
    if not finite.all():
        raise refusals.OUTPUT_NOT_FINITE.of_image(start + np.argmin(finite))


def check_derivative(norms: Float[np.ndarray, " n"], start: int) -> None:
    """Raise an ImageError if the norms of products with the Jacobians are not finite."""
    finite = np.isfinite(norms)
    if not finite.all():
        raise refusals.DERIVATIVE_NOT_FINITE.of_image(start + np.argmin(finite))


@jax.jit
def _finite(outputs: jax.Array) -> jax.Array:
    return jnp.isfinite(outputs).reshape(len(outputs), -1).all(axis=1)


def _different(images: np.ndarray, count: int) -> tuple[list[int], np.ndarray]:
    """Return the positions of so many different images, and these, with made-up ones if short."""
    positions = [0]
    for position in np.unique(np.linspace(0, len(images) - 1, 64).astype(int)).tolist():
        if len(positions) < count and not any(
            np.array_equal(images[position], images[one]) for one in positions
        ):
            positions.append(position)
    low, high = float(images.min()), float(images.max())
    shape = count - len(positions), *images.shape[1:]
    made_up = np.random.default_rng(0).uniform(low, high if high > low else low + 1, shape)
    return positions, np.concatenate([images[positions], made_up.astype(images.dtype)])


def _tracing_errors() -> tuple[type[Exception], ...]:
    """Return what a function may raise as it is traced, by itself or by JAX."""
    flax = sys.modules.get("flax.errors")
    return (
        *(() if flax is None else (flax.FlaxError,)),
        ArithmeticError,
        AssertionError,
        AttributeError,
        LookupError,
        RuntimeError,
        TypeError,
        ValueError,
    )


VALUES = (
    jax.errors.ConcretizationTypeError,
    jax.errors.NonConcreteBooleanIndexError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)

# What else a model may want the axes of the images to be.
OTHER_AXES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "images[..., None]": lambda images: images[..., None],
    "images[:, None]": lambda images: images[:, None],
    "np.moveaxis(images, 1, -1)": lambda images: np.moveaxis(images, 1, -1),
    "np.moveaxis(images, -1, 1)": lambda images: np.moveaxis(images, -1, 1),
}


def _trace(forward: Any, apply: Apply, tree: Any, compared: np.ndarray, images: np.ndarray) -> Any:
    try:
        return forward.trace(tree, compared)
    except InputError:
        raise  # the model's own words
    except VALUES as error:
        raise refusals.MODEL_VALUES.error(reason=_first_line(error)) from error
    except jax.errors.UnexpectedTracerError as error:
        raise refusals.MODEL_KEEPS.error(reason=_first_line(error)) from error
    except _tracing_errors() as error:
        name = type(error).__name__
        if "Trace" in name:  # flax's word for the same
            raise refusals.MODEL_KEEPS.error(reason=_first_line(error)) from error
        if found := re.search(r"of type <class '([^']*)'>, which is not a valid JAX", str(error)):
            given = f"a value of type {found[1].rpartition('.')[2]}"
            raise refusals.OUTPUT_KIND.error(given=given, part=".reconstruction") from error
        if "Tracer" in str(error) and isinstance(error, AttributeError):
            raise refusals.MODEL_VALUES.error(reason=_first_line(error)) from error
        if _takes(apply, tree, images[None]):
            raise refusals.IMAGES_ONE.error(shape=images.shape) from error
        if _takes(apply, tree, images[0]):
            raise refusals.SINGLE_IMAGES.error(
                shape=images.shape[1:], count=len(compared)
            ) from error
        for how, axes in OTHER_AXES.items():
            turned = axes(compared)
            if _takes(apply, tree, turned):
                raise refusals.OTHER_AXES.error(
                    shape=compared.shape, taken=turned.shape, how=how
                ) from error
        raise refusals.MODEL_RAISES.error(
            kind=name, shape=compared.shape, reason=_first_line(error)
        ) from error


def _takes(apply: Apply, tree: Any, images: np.ndarray) -> bool:
    try:
        made = jax.eval_shape(apply, tree, images)
    except _tracing_errors():
        return False
    return getattr(made, "shape", ()) != ()


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    # Flax adds the address of a page.
    return re.sub(r" \(https?://\S+\)", "", lines[0].strip()).rstrip(".;")


def _check_kind(made: Any, count: int) -> tuple[int, ...]:
    """Return the shape of one output, or say what was returned in place of outputs."""
    if made is None:
        raise refusals.OUTPUT_NONE.error()
    if not hasattr(made, "dtype"):
        given, part = f"an object of type {type(made).__name__}", ".reconstruction"
        if isinstance(made, Mapping):
            given = f"a dict of {', '.join(map(repr, made))}"
            part = f"[{_likeliest(made)!r}]"
        elif isinstance(made, tuple) and hasattr(made, "_fields"):
            part = f".{_likeliest(made._fields)}"
        elif isinstance(made, tuple | list):
            given, part = f"a {type(made).__name__} of {len(made)}", "[0]"
        raise refusals.OUTPUT_KIND.error(given=given, part=part)
    if made.shape[:1] != (count,) or not jnp.issubdtype(made.dtype, jnp.floating):
        raise refusals.OUTPUT_SHAPE.error(shape=made.shape, dtype=made.dtype, count=count)
    return made.shape[1:]


def _likeliest(names: Iterable[Any]) -> Any:
    """Return the name that tells of a reconstruction, or the first."""
    names = list(names) or ["reconstruction"]
    return next((name for name in names if "rec" in str(name).lower()), names[0])


# What has no derivative, by a part of the name of JAX's primitive.
WITHOUT_DERIVATIVE = {
    "custom_vjp": refusals.CUSTOM_VJP,
    "callback": refusals.CALLBACK,
    "while": refusals.WHILE_LOOP,
}


def _check_derivatives(
    apply: Apply, parameters: FlatParameters, batch: jax.ShapeDtypeStruct, jaxpr: Any
) -> None:
    refusal = refusals.NO_FORWARD_MODE
    try:
        for product in trace_products(apply, parameters, batch):
            if "custom_lin" in primitives(product):
                raise refusals.CUSTOM_VJP.error()  # JAX says so only as it compiles
            refusal = refusals.NO_REVERSE_MODE
    except InputError:
        raise
    except _tracing_errors() as error:
        for part, known in WITHOUT_DERIVATIVE.items():
            if any(part in name for name in primitives(jaxpr)):
                raise known.error() from error
        raise refusal.error(reason=_first_line(error)) from error


def _differ(one: np.ndarray, other: np.ndarray, scale: np.ndarray, tolerance: float) -> bool:
    with np.errstate(invalid="ignore"):  # infinite less infinite
        largest = np.abs(scale).max(initial=0.0, where=np.isfinite(scale))
        near = np.abs(one - other) <= tolerance * largest
    return not bool((near | (one == other) | (np.isnan(one) & np.isnan(other))).all())


def _dependence(
    forward: Any, tree: Any, compared: np.ndarray, images: np.ndarray, *, on_others: bool
) -> InputError:
    """Return what an image's output depends on besides the image."""
    if _changes(forward, tree, compared):
        return refusals.RANDOM.error()
    # The rows of a single image may pass for images of fewer dimensions.
    if images.ndim == 3 and _takes(forward, tree, images[None]):
        return refusals.IMAGES_ONE.error(shape=images.shape)
    if on_others:
        return refusals.STATISTICS.error()
    draws_noise = draws(forward.trace(tree, compared).jaxpr)
    return (refusals.NOISE if draws_noise else refusals.POSITION).error()


def _compiled(function: Callable[..., Any]) -> Any:
    options = IN_HASTE if jax.default_backend() == "cpu" else None
    return jax.jit(function, compiler_options=options)


def _changes(forward: Callable[..., Any], tree: Any, compared: np.ndarray) -> bool:
    """Say whether another compilation, which runs the Python code again, gives other outputs."""
    plain = forward.__wrapped__  # type: ignore[attr-defined]
    again = _compiled(lambda *given: plain(*given))
    first, second = (np.asarray(one(tree, compared)) for one in (forward, again))
    return not np.array_equal(first, second, equal_nan=True)
