r"""Weights of the decoder, sampled by stochastic-gradient Hamiltonian Monte Carlo.

.. math:: v \leftarrow (1 - \alpha) v - h \nabla U(\theta) + \sqrt{2 \alpha h}\, \xi, \qquad
          \theta \leftarrow \theta + v, \qquad \xi \sim N(0, I)

with a step h of each weight's own, :math:`h = \eta / (\mathrm{diag}(G) / v + a)`. Along a
direction of curvature k the stationary variance is

.. math:: \frac{1}{k} \left(1 - \frac{h k}{2 (2 - \alpha)}\right)^{-1},

the posterior's but for the size of the step. So the step is told as c = h k of the stiffest
direction: below 2 (2 - alpha) the chain is stable, and no variance is off by more than the factor
above, whatever the network.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

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
from slugkit.baselines.latents import encode
from slugkit.errors import InputError
from slugkit.linalg.lanczos import lanczos
from slugkit.linalg.random import seed_from
from slugkit.operators.batches import evaluate
from slugkit.operators.diagonal import ggn_diagonal
from slugkit.operators.ggn import ggn_product
from slugkit.operators.parameters import FlatParameters, flatten

# Products with G of one batch that find its stiffest direction.
STIFFNESS_PRODUCTS = 12


@dataclass(frozen=True)
class BayesianVAE(Baseline):
    """The variance of the reconstructions over S samples of the decoder's weights.

    The chain starts at the trained network and leaves the encoder as it is. No library at hand has
    this sampler with a step of each weight's own.

    Parameters
    ----------
    prior_precision
        The number a.
    step
        The number c.
    friction
        The number alpha.
    burn_in
        Steps before the first sample.
    thinning
        Steps from one sample to the next.
    curvature_samples
        Backward passes over the training images for the diagonal of G.

    References
    ----------
    Daxberger, Hernandez-Lobato, Bayesian Deep Learning workshop (2019), who use the sampler of
    Springenberg, Klein, Falkner, Hutter, NeurIPS (2016); Chen, Fox, Guestrin, ICML (2014), equation
    15. The steps follow Ahn, Korattikara, Welling, ICML (2012): curvature where Springenberg et al.
    have the size of the gradients.
    """

    name: ClassVar[str] = "bayesian_vae"
    title: ClassVar[str] = "short SGHMC, variance"

    prior_precision: float = 1.0
    step: float = 0.5
    friction: float = 0.1
    burn_in: int = 50
    thinning: int = 5
    curvature_samples: int = 8

    def compare(self, problem: Problem) -> Comparison:
        """Return score and map; see `Baseline`."""
        model, count = problem.model, len(problem.train_images)
        parameters = flatten(model.params, lambda name: name.startswith("decoder/"))
        batches = self.num_steps(problem.num_samples) + STIFFNESS_PRODUCTS
        passes = batches * min(problem.batch_size, count) / count
        cost = Cost(
            training_passes=self.curvature_samples + passes,
            forward_passes=problem.num_samples,
            memory_bytes=problem.num_samples * parameters.size * BYTES,
        )
        apply = model.reconstruct()
        return variance_over_members(
            (
                evaluate(apply, params, problem.images, problem.batch_size)
                for params in self.samples(problem, parameters)
            ),
            cost,
        )

    def num_steps(self, num_samples: int) -> int:
        """Return how many steps the chain takes."""
        return self.burn_in + num_samples * self.thinning

    def samples(self, problem: Problem, parameters: FlatParameters) -> Iterator[dict]:
        r"""Yield parameters of the model whose decoder is a sample of the posterior.

        .. math:: U(\theta) = \frac{n}{m} \sum_{i \le m} \frac{|x_i - d_\theta(z_i)|^2}{2 v}
                  + \frac{a}{2} |\theta|^2, \qquad z_i \sim q(z | x_i)

        Raises
        ------
        InputError
            The weights left every bound.
        """
        images = problem.train_images
        count, size = len(images), min(problem.batch_size, len(images))
        key_steps, key_chain = jax.random.split(problem.key)
        variance, precision = problem.likelihood_variance, self.prior_precision
        steps = self._steps(problem, parameters, key_steps)
        friction = self.friction
        decode = problem.model.decode()
        fixed = parameters.fixed

        def potential(vector: jax.Array, batch: dict[str, Any], noise: jax.Array) -> jax.Array:
            latents = batch["mean"] + batch["standard_deviation"] * noise
            made = decode(parameters.to_tree(vector, fixed), latents)
            misfit = jnp.sum((batch["images"] - made) ** 2) / (2 * variance)
            return count / size * misfit + precision / 2 * jnp.sum(vector**2)

        @jax.jit
        def move(vector: jax.Array, velocity: jax.Array, batch: dict[str, Any], key: jax.Array):
            key_latent, key_velocity = jax.random.split(key)
            noise = jax.random.normal(key_latent, batch["mean"].shape, batch["mean"].dtype)
            gradient = jax.grad(potential)(vector, batch, noise)
            kick = jax.random.normal(key_velocity, vector.shape, vector.dtype)
            velocity = (1 - friction) * velocity - steps * gradient
            velocity = velocity + jnp.sqrt(2 * friction * steps) * kick
            return vector + velocity, velocity

        mean, standard_deviation = encode(problem, images)
        random = np.random.default_rng(seed_from(key_chain))
        vector, velocity = parameters.vector, jnp.zeros_like(steps)
        for step in range(1, self.num_steps(problem.num_samples) + 1):
            chosen = np.sort(random.choice(count, size, replace=False))
            batch = {
                "images": images[chosen],
                "mean": mean[chosen],
                "standard_deviation": standard_deviation[chosen],
            }
            vector, velocity = move(vector, velocity, batch, jax.random.fold_in(key_chain, step))
            after = step - self.burn_in
            if after > 0 and after % self.thinning == 0:
                if not bool(jnp.isfinite(vector).all()):
                    raise InputError(
                        f"the chain of the Bayesian VAE left every bound after {step} steps; lower "
                        f"its step (now {self.step:g})"
                    )
                # Cut by numpy: jax would compile a function for each leaf.
                yield parameters.to_tree(np.asarray(vector), fixed)

    def _steps(self, problem: Problem, parameters: FlatParameters, key: jax.Array) -> jax.Array:
        """Return the step of each weight, h (p,)."""
        apply, variance = problem.model.reconstruct(), problem.likelihood_variance
        curvature = ggn_diagonal(
            apply,
            parameters,
            problem.train_images,
            num_samples=self.curvature_samples,
            batch_size=problem.batch_size,
            key=key,
        )
        scale = 1 / np.sqrt(curvature / variance + self.prior_precision)
        scale = scale.astype(parameters.dtype)
        # The chain moves by one batch at a time, so it is a batch that it must be stable for.
        batch = np.asarray(problem.train_images[: problem.batch_size])
        factor = len(problem.train_images) / (len(batch) * variance)
        product = ggn_product(apply, parameters, batch, batch_size=len(batch), scale=factor)
        stiffest = lanczos(
            lambda vector: scale * product(scale * vector),
            parameters.size,
            1,
            seed=seed_from(key),
            tolerance=0.1,
            max_products=STIFFNESS_PRODUCTS,
            dtype=parameters.dtype,
        )
        # In these units the prior adds 1 at most.
        return jnp.asarray(self.step / (stiffest.values[0] + 1) * scale**2)
