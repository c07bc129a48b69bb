"""Dropout that stays on when the network is used."""

from collections.abc import Callable
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np

from slugkit.baselines.comparison import Comparison, Cost, Settings, run, variance_over_members


class WithDropout(Protocol):
    """A network trained with dropout, such as a `slugkit.model.vae.TrainedVAE` that has any."""

    @property
    def params(self) -> dict:
        """The pytree of parameters."""
        ...

    def reconstruct_at_random(self) -> Callable[[dict, jax.Array, jax.Array], jax.Array]:
        """Return apply(params, images, key), the reconstructions with dropout on."""
        ...


def compare(
    model: WithDropout,
    train_images: np.ndarray,
    images: np.ndarray,
    key: jax.Array,
    settings: Settings,
) -> Comparison:
    """Return the variance of the reconstructions over S passes with dropout.

    References
    ----------
    Gal, Ghahramani, ICML (2016).
    """
    apply = model.reconstruct_at_random()
    compiled = jax.jit(lambda state, batch: apply(state["params"], batch, state["key"]))

    def one_pass(sample: int) -> np.ndarray:
        seed = jax.random.bits(jax.random.fold_in(key, sample), (4,), jnp.uint32)
        # Compiling the masks for jax's default generator takes longer than all passes.
        state = {"params": model.params, "key": jax.random.wrap_key_data(seed, impl="rbg")}
        return run(compiled, state, images, settings.batch_size)

    count = settings.num_samples
    return variance_over_members(map(one_pass, range(count)), Cost(forward_passes=count))
