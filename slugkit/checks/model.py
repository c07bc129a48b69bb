"""Checks of a model, before anything long is computed with it."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from slugkit.errors import InputError
from slugkit.operators.batches import outputs_by_batch
from slugkit.operators.jacobian import Apply
from slugkit.operators.parameters import FlatParameters


def check_model(
    apply: Apply,
    parameters: FlatParameters,
    images: Float[np.ndarray, "n ..."],
    batch_size: int | None = None,
) -> tuple[int, ...]:
    """Run the model once over all images; return the shape of one output, or say what is wrong.

    Raises
    ------
    InputError
        The outputs have the wrong first axis, are not of a floating type, are not finite, change
        between two equal calls, or depend on the other images of the batch.
    """
    params = parameters.to_tree(parameters.vector, parameters.fixed)
    pair = jnp.stack([images[0], images[0] * 0.5])
    first, again, alone = apply(params, pair), apply(params, pair), apply(params, pair[:1])
    if jnp.ndim(first) < 1 or len(first) != 2 or not jnp.issubdtype(first.dtype, jnp.floating):
        raise InputError(
            f"apply(params, images) returned shape {jnp.shape(first)} and type {first.dtype} for "
            "2 images; return floating-point outputs whose first axis counts the images"
        )
    if not bool(jnp.array_equal(first, again, equal_nan=True)):
        raise InputError(
            "the model's output changes between two equal calls; switch off dropout and every "
            "other randomness (in flax: model.eval()) and decode the latent mean"
        )
    tolerance = 1e-3 * jnp.abs(alone).max()
    if bool(jnp.abs(first[:1] - alone).max() > tolerance):
        raise InputError(
            "an image's output depends on the other images of its batch; put batch normalisation "
            "into evaluation mode with frozen statistics (in flax: model.eval())"
        )
    for batch, outputs in outputs_by_batch(apply, params, images, batch_size):
        check_outputs(outputs, batch.start, batch.size)
    return first.shape[1:]


def check_outputs(outputs: jax.Array, start: int, size: int) -> None:
    """Raise an InputError if outputs are not finite, naming the images from `start` on."""
    if not bool(jnp.isfinite(outputs).all()):
        raise InputError(
            f"the model's outputs are not finite for images {start} to {start + size - 1}; "
            "check these images and the parameters"
        )
