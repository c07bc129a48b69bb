r"""Convolutions of images and volumes whose derivatives, of any order and mode, are fast on a CPU.

XLA writes the gradient in the weights as a convolution with a kernel as large as the image, which
its CPU backend runs at a fifth to a half of the speed of a matrix product. It is in every training
step and in every product with :math:`J^T`, so it is a matrix product here.

Two bilinear primitives are enough, each the transpose of the other in one argument:

.. math:: y_{nijo} = \sum_{rsc} x_{n,i+r,j+s,c}\, w_{rsco}, \qquad
          w_{rsco} = \sum_{nij} x_{n,i+r,j+s,c}\, y_{nijo}

Elsewhere than on a CPU both are XLA's own. A convolution of volumes becomes one of slices where it
is traced on a CPU.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

Padding = tuple[tuple[int, int], tuple[int, int]]

LAYOUT = ("NHWC", "HWIO", "NHWC")
VOLUMES = ("NDHWC", "DHWIO", "NDHWC")
# Images of up to this many pixels stay with XLA for the gradient in the weights, whose kernel is
# small.
SMALL_IMAGE = 256
# A product whose factors take more bytes than stay in a cache is done in pieces of this many
# pixels.
BYTES_IN_CACHE = 1 << 22
PIXELS_PER_PIECE = 512
# XLA's CPU backend is fast if either side has this many channels, and twice as many of the outputs
# where the inputs have hardly any.
ENOUGH_CHANNELS = 24
HARDLY_ANY_CHANNELS = 5


class Window(NamedTuple):
    """How a kernel passes over an image."""

    padding: Padding
    precision: Any  # of the products, as JAX calls it


def convolution(
    inputs: jax.Array,
    kernel: jax.Array,
    strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: Any = None,
    feature_group_count: int = 1,
    **options: Any,
) -> jax.Array:
    """Return what `jax.lax.conv_general_dilated` returns, up to rounding.

    Parameters
    ----------
    inputs
        (n, H, W, c), or volumes (n, D, H, W, c).
    kernel
        (h, w, c, o) or (d, h, w, c, o).
    strides, padding, lhs_dilation, rhs_dilation, dimension_numbers, feature_group_count, options
        As for `jax.lax.conv_general_dilated`, so that this function can take its place:
        ``nnx.Conv(..., conv_general_dilated=convolution)``. Whatever else than a dense convolution
        of images or volumes in float32 or float64 is asked for goes to it unchanged.

    Examples
    --------
    >>> images, kernel = jnp.ones((1, 4, 4, 1)), jnp.ones((3, 3, 1, 1))
    >>> int(convolution(images, kernel, (1, 1), "SAME", dimension_numbers=LAYOUT).sum())
    100
    """
    # Said when it is traced, as with XLA's own. By default a graphics card rounds to ten bits.
    default = jax.config.jax_default_matmul_precision  # type: ignore[attr-defined]
    precision = options.pop("precision", None) or default
    usual = (
        set((*(lhs_dilation or ()), *(rhs_dilation or ()))) <= {1}
        and feature_group_count == 1
        and all(option is None for option in options.values())
        and inputs.dtype == kernel.dtype
        and inputs.dtype in (jnp.float32, jnp.float64)
    )
    if usual and _has_layout(inputs, kernel, dimension_numbers, LAYOUT):
        above, beside = _pads(inputs, kernel, strides, padding)
        # Beyond that the transpose would have to cut pixels off.
        if strides[0] == strides[1] and all(
            0 <= pad < size
            for pads, size in zip((above, beside), kernel.shape, strict=False)
            for pad in pads
        ):
            if strides[0] > 1:
                inputs, kernel = _without_strides(inputs, kernel, strides[0], (above, beside))
                above = beside = 0, 0
            window = Window((above, beside), precision)
            return _correlate.bind(inputs, kernel, window=window)
    on_cpu = jax.default_backend() == "cpu"
    if usual and on_cpu and _has_layout(inputs, kernel, dimension_numbers, VOLUMES):
        pads = _pads(inputs, kernel, strides, padding)
        return _of_volumes(inputs, kernel, strides, pads, precision)
    return lax.conv_general_dilated(
        inputs,
        kernel,
        strides,
        padding,
        lhs_dilation,
        rhs_dilation,
        dimension_numbers,
        feature_group_count,
        precision=precision,
        **options,
    )


def _has_layout(
    inputs: jax.Array, kernel: jax.Array, dimension_numbers: Any, layout: tuple[str, str, str]
) -> bool:
    return inputs.ndim == len(layout[0]) and dimension_numbers == lax.conv_dimension_numbers(
        inputs.shape, kernel.shape, layout
    )


def _pads(
    inputs: jax.Array,
    kernel: jax.Array,
    strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
) -> list[tuple[int, int]]:
    pads = (
        lax.padtype_to_pads(inputs.shape[1:-1], kernel.shape[:-2], strides, padding)
        if isinstance(padding, str)
        else padding
    )
    return [(int(low), int(high)) for low, high in pads]


def _of_volumes(
    x: jax.Array,
    w: jax.Array,
    strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    precision: Any,
) -> jax.Array:
    """Convolve slices, with those that the kernel reaches above and below as further channels.

    XLA's CPU backend gathers the window of each voxel anew, which takes several times as long.
    """
    step, taps = strides[0], w.shape[0]
    x = lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), (*padding[0], 0), *[(0, 0, 0)] * 3])
    made = (x.shape[1] - taps) // step + 1
    reached = [x[:, i : i + step * (made - 1) + 1 : step] for i in range(taps)]
    slices = jnp.concatenate(reached, axis=-1).reshape(-1, *x.shape[2:4], taps * x.shape[4])
    kernel = jnp.moveaxis(w, 0, 2).reshape(*w.shape[1:3], -1, w.shape[-1])
    y = convolution(
        slices,
        kernel,
        strides[1:],
        padding[1:],
        dimension_numbers=lax.conv_dimension_numbers(slices.shape, kernel.shape, LAYOUT),
        precision=precision,
    )
    return y.reshape(len(x), made, *y.shape[1:])


def _without_strides(
    x: jax.Array, w: jax.Array, stride: int, padding: Padding
) -> tuple[jax.Array, jax.Array]:
    """Return inputs and a kernel that give the same with stride 1: each square is one pixel."""
    taps = [-(-size // stride) for size in w.shape[:2]]
    pads = []
    for size, kernel, tap, (low, high) in zip(x.shape[1:3], w.shape, taps, padding, strict=False):
        made = (size + low + high - kernel) // stride + 1
        pads.append((low, stride * (made + tap - 1) - size - low, 0))
    x = lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *pads, (0, 0, 0)])
    missing = [(0, stride * tap - size) for tap, size in zip(taps, w.shape, strict=False)]
    w = jnp.pad(w, (*missing, (0, 0), (0, 0)))
    images, height, width, inputs = x.shape
    x = x.reshape(images, height // stride, stride, width // stride, stride, inputs)
    w = w.reshape(taps[0], stride, taps[1], stride, inputs, -1)
    x, w = x.transpose(0, 1, 3, 2, 4, 5), w.transpose(0, 2, 1, 3, 4, 5)
    return x.reshape(*x.shape[:3], -1), w.reshape(*taps, stride**2 * inputs, -1)


def _correlate_by_xla(x: jax.Array, w: jax.Array, window: Window) -> jax.Array:
    return lax.conv_general_dilated(
        x, w, (1, 1), window.padding, dimension_numbers=LAYOUT, precision=window.precision
    )


def _weights_by_xla(x: jax.Array, y: jax.Array, window: Window) -> jax.Array:
    shape = jax.ShapeDtypeStruct(
        (*_kernel_size(x, y, window.padding), x.shape[3], y.shape[3]), x.dtype
    )
    back = jax.linear_transpose(lambda w: _correlate_by_xla(x, w, window), shape)
    return back(y)[0]


def _kernel_size(x: Any, y: Any, padding: Padding) -> tuple[int, int]:
    height, width = (x.shape[1 + i] + sum(padding[i]) - y.shape[1 + i] + 1 for i in range(2))
    return height, width


def _correlate_on_cpu(x: jax.Array, w: jax.Array, window: Window) -> jax.Array:
    """Compute neighbouring outputs as additional channels where there are few of both kinds.

    f outputs in a row depend on a window that is f - 1 pixels wider: (f + 2) / 3 times as many
    operations for a 3 x 3 kernel, at up to five times the speed.
    """
    height, width, inputs, outputs = w.shape
    columns = x.shape[2] + sum(window.padding[1]) - width + 1
    enough = ENOUGH_CHANNELS * (2 if inputs < HARDLY_ANY_CHANNELS else 1)
    count = 1
    while inputs < ENOUGH_CHANNELS and count * outputs < enough and columns % (2 * count) == 0:
        count *= 2
    if count == 1:
        return _correlate_by_xla(x, w, window)
    shifted = [jnp.pad(w, ((0, 0), (i, count - 1 - i), (0, 0), (0, 0))) for i in range(count)]
    wide = jnp.stack(shifted, axis=3).reshape(height, width + count - 1, inputs, count * outputs)
    made = lax.conv_general_dilated(x, wide, (1, count), window.padding, dimension_numbers=LAYOUT)
    return made.reshape(len(x), made.shape[1], columns, outputs)


def _weights_on_cpu(x: jax.Array, y: jax.Array, window: Window, devices: int = 1) -> jax.Array:
    """Sum one matrix product for each image.

    On a grid that is as wide as the padded image, a shift by rows and columns is a shift of the
    flat index. So with h shifts of x by rows side by side, and w shifts of y by columns, the
    product of the two, (h c, pixels) (pixels, w o), holds all taps of the kernel.
    """
    if y.shape[1] * y.shape[2] <= SMALL_IMAGE:
        return _weights_by_xla(x, y, window)
    height, width = _kernel_size(x, y, window.padding)
    inputs, outputs = x.shape[3], y.shape[3]
    row = x.shape[2] + sum(window.padding[1])
    pixels = y.shape[1] * row + width - 1
    factors = pixels * (height * inputs + width * outputs) * x.dtype.itemsize
    piece = pixels if factors <= BYTES_IN_CACHE else PIXELS_PER_PIECE
    pieces = -(-pixels // piece)
    beyond = pieces * piece - pixels

    def product(one: jax.Array, other: jax.Array) -> jax.Array:
        grid = jnp.pad(one, (*window.padding, (0, 0))).reshape(-1, inputs)
        grid = jnp.pad(grid, ((0, width - 1 + beyond), (0, 0)))
        cotangents = jnp.pad(other, ((0, 0), (0, width - 1), (0, 0))).reshape(-1, outputs)
        cotangents = jnp.pad(cotangents, ((width - 1, width - 1 + beyond), (0, 0)))

        def of_piece(start: Any) -> jax.Array:
            cut = partial(lax.dynamic_slice_in_dim, slice_size=piece)
            rows = [cut(grid, start + i * row) for i in range(height)]
            columns = [cut(cotangents, start + width - 1 - i) for i in range(width)]
            return jnp.tensordot(jnp.concatenate(rows, 1), jnp.concatenate(columns, 1), (0, 0))

        if pieces == 1:
            return of_piece(0)
        starts = piece * jnp.arange(pieces)
        return lax.scan(lambda total, start: (total + of_piece(start), None), zero, starts)[0]

    zero = jnp.zeros((height * inputs, width * outputs), x.dtype)
    if devices == 1:
        total, _ = lax.scan(lambda total, pair: (total + product(*pair), None), zero, (x, y))
    else:
        # Images on one device follow each other; devices work side by side.
        in_turn = [
            jnp.moveaxis(array.reshape(devices, -1, *array.shape[1:]), 1, 0) for array in (x, y)
        ]
        zeros = jnp.zeros((devices, *zero.shape), x.dtype)
        products = jax.vmap(product)
        totals, _ = lax.scan(
            lambda totals, pairs: (totals + products(*pairs), None), zeros, tuple(in_turn)
        )
        total = totals.sum(axis=0)
    return total.reshape(height, inputs, width, outputs).transpose(0, 2, 1, 3)


def _primitive(name: str, by_xla: Callable[..., jax.Array]) -> Primitive:
    """Return a primitive that is what `by_xla` computes, with everything but its transposes."""
    primitive = Primitive(name)

    def evaluate(x: jax.Array, y: jax.Array, *, window: Window) -> jax.Array:
        return _evaluate(primitive, x, y, window)

    def shape(x: Any, y: Any, *, window: Window) -> jax.core.ShapedArray:
        made = jax.eval_shape(
            partial(by_xla, window=window),
            jax.ShapeDtypeStruct(x.shape, x.dtype),
            jax.ShapeDtypeStruct(y.shape, y.dtype),
        )
        return jax.core.ShapedArray(made.shape, made.dtype)

    primitive.def_impl(evaluate)
    primitive.def_abstract_eval(shape)
    mlir.register_lowering(primitive, mlir.lower_fun(by_xla, multiple_results=False))
    return primitive


@partial(jax.jit, static_argnums=(0, 3))
def _evaluate(primitive: Primitive, x: jax.Array, y: jax.Array, window: Window) -> jax.Array:
    return primitive.bind(x, y, window=window)


_correlate = _primitive("correlate", _correlate_by_xla)
_weights = _primitive("correlation_weights", _weights_by_xla)


def _flipped(w: jax.Array) -> jax.Array:
    return w[::-1, ::-1].swapaxes(2, 3)


def _turned(window: Window, height: int, width: int) -> Window:
    """Return how the flipped kernel passes over the outputs for the inputs' gradient."""
    (above, below), (left, right) = window.padding
    padding = (height - 1 - above, height - 1 - below), (width - 1 - left, width - 1 - right)
    return window._replace(padding=padding)


def _gradient_in_inputs(y: jax.Array, w: jax.Array, window: Window) -> jax.Array:
    return _correlate.bind(y, _flipped(w), window=_turned(window, *w.shape[:2]))


ad.defbilinear(
    _correlate,
    lambda y, x, w, window: _gradient_in_inputs(y, w, window),
    lambda y, x, w, window: _weights.bind(x, y, window=window),
)
ad.defbilinear(
    _weights,
    lambda w, x, y, window: _gradient_in_inputs(y, w, window),
    lambda w, x, y, window: _correlate.bind(x, w, window=window),
)


def _lower_weights(context: Any, *operands: Any, window: Window) -> Any:
    # Each device sums over its own images, or all images would travel to all devices.
    devices = getattr(context.module_context.axis_context, "num_devices", None) or 1
    if context.avals_in[0].shape[0] % devices:
        devices = 1
    lower = mlir.lower_fun(partial(_weights_on_cpu, devices=devices), multiple_results=False)
    return lower(context, *operands, window=window)


mlir.register_lowering(
    _correlate, mlir.lower_fun(_correlate_on_cpu, multiple_results=False), platform="cpu"
)
mlir.register_lowering(_weights, _lower_weights, platform="cpu")


def _many_correlations(
    arguments: Sequence[jax.Array], axes: Sequence[int | None], *, window: Window
) -> tuple[jax.Array, int]:
    (x, w), (of_x, of_w) = arguments, axes
    if of_w is None:
        assert of_x is not None
        x = jnp.moveaxis(x, of_x, 0)
        made = _correlate.bind(x.reshape(-1, *x.shape[2:]), w, window=window)
        return made.reshape(*x.shape[:2], *made.shape[1:]), 0
    if of_x is None:
        w = jnp.moveaxis(w, of_w, 3)
        made = _correlate.bind(x, w.reshape(*w.shape[:3], -1), window=window)
        return made.reshape(*made.shape[:3], *w.shape[3:]), 3
    return jax.vmap(partial(_correlate_by_xla, window=window), (of_x, of_w))(x, w), 0


def _many_weights(
    arguments: Sequence[jax.Array], axes: Sequence[int | None], *, window: Window
) -> tuple[jax.Array, int]:
    (x, y), (of_x, of_y) = arguments, axes
    if of_y is None:
        assert of_x is not None
        x = jnp.moveaxis(x, of_x, 3)
        made = _weights.bind(x.reshape(*x.shape[:3], -1), y, window=window)
        return made.reshape(*made.shape[:2], *x.shape[3:], y.shape[3]), 2
    if of_x is None:
        y = jnp.moveaxis(y, of_y, 3)
        made = _weights.bind(x, y.reshape(*y.shape[:3], -1), window=window)
        return made.reshape(*made.shape[:3], *y.shape[3:]), 3
    return jax.vmap(partial(_weights_by_xla, window=window), (of_x, of_y))(x, y), 0


batching.primitive_batchers[_correlate] = _many_correlations
batching.primitive_batchers[_weights] = _many_weights
