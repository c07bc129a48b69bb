"""Models written in PyTorch, through torchax: pip install 'slugkit[torch]'."""

import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from slugkit import refusals
from slugkit.model.convolution import VOLUMES, convolution
from slugkit.operators.jacobian import Apply


def from_torch(module: Any, call: Callable[[Any, Any], Any] | None = None) -> tuple[Apply, Any]:
    """Return a module of PyTorch as a function of JAX and its parameters, for `slugkit.slug.fit`.

    The module's own code runs, on arrays of JAX, as it is traced. Parameters that require a
    gradient are uncertain; the others, and the buffers, such as the statistics of batch
    normalisation, stay fixed. All are copied: what the module learns later is not seen.

    Parameters
    ----------
    module
        A `torch.nn.Module` in evaluation mode.
    call
        Takes the module and images (n, channels, height, width), or volumes with one axis more,
        and returns the reconstructions; by default ``module(images)``.

    Raises
    ------
    InputError
        torchax is not installed, or the module is none, in training mode, or frozen altogether.

    Examples
    --------
    An autoencoder that returns the reconstruction, the mean and the logarithm of the variance:

    >>> apply, params = from_torch(
    ...     model.eval(), lambda model, images: model(images)[0]
    ... )  # doctest: +SKIP
    >>> posterior = slug.fit(apply, params, images, key=key)  # doctest: +SKIP
    """
    try:
        import torch
        import torchax
        from torchax.interop import JittableModule
    except ImportError as error:
        raise refusals.TORCH_MISSING.error(reason=error) from error

    if not isinstance(module, torch.nn.Module):
        raise refusals.TORCH_KIND.error(given=type(module).__name__)
    for name, part in module.named_modules():
        if part.training:
            raise refusals.TORCH_TRAINING.error(part=name or type(module).__name__)
    # One of our own, since an operation of it is replaced.
    environment, functional = torchax.tensor.Environment(), JittableModule(module)
    _replace_convolution(environment)
    if not functional.params:
        raise refusals.TORCH_FROZEN.error()
    # What stands beside "params" stays fixed.
    params = environment.t2j_copy({"params": functional.params, "buffers": functional.buffers})
    plain = call or _call

    def apply(params: Any, images: jax.Array) -> Any:
        tensors = environment.j2t_iso((params["params"], params["buffers"], jnp.asarray(images)))
        with warnings.catch_warnings():
            # PyTorch counts in 64 bits, and JAX in 32.
            warnings.filterwarnings("ignore", "Explicitly requested dtype int64")
            # Without a key of its own, what is drawn here would change the key of all of torchax.
            with environment.override_property(prng=jax.random.key(0)), environment:
                made = functional.functional_call(plain, *tensors)
        return environment.t2j_iso(made)

    return apply, params


def _call(module: Any, images: Any) -> Any:
    return module(images)


def _replace_convolution(environment: Any) -> None:
    """Make convolutions of volumes those that are fast on a CPU; all others stay torchax's."""
    import torch
    from torchax.ops.ops_registry import all_aten_ops

    operation = torch.ops.aten.convolution

    def convolve(x: Any, w: Any, bias: Any, *options: Any) -> jax.Array:
        strides, padding, dilation, transposed, _, groups = options
        # One pad may stand for all three sides.
        if (x.ndim, w.ndim, len(padding), transposed) != (5, 5, 3, False):
            return all_aten_ops[operation].func(x, w, bias, *options)
        x, w = jnp.moveaxis(x, 1, -1), w.transpose(2, 3, 4, 1, 0)
        y = convolution(
            x,
            w,
            strides,
            [(one, one) for one in padding],
            rhs_dilation=dilation,
            dimension_numbers=jax.lax.conv_dimension_numbers(x.shape, w.shape, VOLUMES),
            feature_group_count=groups,
        )
        return jnp.moveaxis(y if bias is None else y + bias, -1, 1)

    environment.override_op_definition(
        operation, lambda *given: environment.j2t_iso(convolve(*environment.t2j_iso(given)))
    )
