"""Baselines by additional networks, trained on the same images."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from slugkit.baselines.interface import (
    BYTES,
    Baseline,
    Comparison,
    Cost,
    Problem,
    variance_over_members,
)
from slugkit.errors import InputError
from slugkit.operators.batches import evaluate
from slugkit.operators.parameters import flatten


@dataclass(frozen=True)
class DeepEnsemble(Baseline):
    """The variance of the reconstructions over several networks, trained from different starts.

    Only the initial weights, the order of the images, the flips and the latent noise differ.

    Parameters
    ----------
    members
        The number of networks, of which the first is the one at hand.

    References
    ----------
    Lakshminarayanan, Pritzel, Blundell, NeurIPS (2017), without adversarial examples.
    """

    name: ClassVar[str] = "deep_ensemble"
    title: ClassVar[str] = "deep ensemble"

    members: int = 5

    def __post_init__(self) -> None:
        if self.members < 2:
            raise InputError(f"members is {self.members}; give at least 2")

    def compare(self, problem: Problem) -> Comparison:
        """Return score and map; see `Baseline`."""
        members = [problem.further_network(seed=seed) for seed in range(1, self.members)]
        size = flatten(problem.model.params).size
        cost = Cost(
            trainings=self.members,
            forward_passes=self.members,
            memory_bytes=(self.members - 1) * size * BYTES,
        )
        return variance_over_members(
            (
                evaluate(one.reconstruct(), one.params, problem.images, problem.batch_size)
                for one in (problem.model, *members)
            ),
            cost,
        )


@dataclass(frozen=True)
class MonteCarloDropout(Baseline):
    """The variance of the reconstructions over S passes through a network with dropout.

    Parameters
    ----------
    dropout
        The fraction of the activations that is set to zero, in training and in the passes.

    References
    ----------
    Gal, Ghahramani, ICML (2016).
    """

    name: ClassVar[str] = "monte_carlo_dropout"
    title: ClassVar[str] = "Monte Carlo dropout"

    dropout: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.dropout < 1:
            raise InputError(f"dropout is {self.dropout}; give a fraction between 0 and 1")

    def compare(self, problem: Problem) -> Comparison:
        """Return score and map; see `Baseline`."""
        model = problem.further_network(dropout=self.dropout)
        apply = model.reconstruct_at_random()
        compiled = jax.jit(lambda state, batch: apply(state["params"], batch, state["key"]))

        def one_pass(sample: int) -> np.ndarray:
            seed = jax.random.bits(jax.random.fold_in(problem.key, sample), (4,), jnp.uint32)
            # Compiling the masks for jax's default generator takes longer than all passes.
            state = {"params": model.params, "key": jax.random.wrap_key_data(seed, impl="rbg")}
            return evaluate(compiled, state, problem.images, problem.batch_size)

        count = problem.num_samples
        return variance_over_members(map(one_pass, range(count)), Cost(forward_passes=count))
