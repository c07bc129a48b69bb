"""A check of the devices that JAX is told to use."""

import jax

from slugkit import refusals


def check_devices() -> None:
    """Raise an InputError where JAX_PLATFORMS names what this machine does not have."""
    try:
        jax.devices()
    # JAX asserts where the package for CUDA is not installed.
    except (RuntimeError, AssertionError) as error:
        reason = (str(error).strip() or "its package is not installed").splitlines()[0]
        raise refusals.DEVICES.error(
            platforms=jax.config.values["jax_platforms"],
            reason=reason.partition(" (set JAX_PLATFORMS")[0],
        ) from error
