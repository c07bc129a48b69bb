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
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from slugkit.baselines.comparison import (
    BYTES,
    Autoencoder,
    Comparison,
    Cost,
    Settings,
    run,
    variance_over_members,
)
from slugkit.baselines.diagonal_curvature import diagonal
from slugkit.baselines.latents import encode
from slugkit.errors import InputError
from slugkit.linalg.lanczos import lanczos
from slugkit.linalg.random import seed_from
from slugkit.operators import ggn
from slugkit.operators.parameters import FlatParameters, flatten

# Products with G of one batch that find its stiffest direction.
STIFFNESS_PRODUCTS = 12


def compare(
    model: Autoencoder,
    train_images: np.ndarray,
    images: np.ndarray,
    key: jax.Array,
    settings: Settings,
) -> Comparison:
    """Return the variance of the reconstructions over S samples of the decoder's weights.

    The chain starts at the trained network and leaves the encoder as it is. No library at hand has
    this sampler with a step of each weight's own.

    References
    ----------
    Daxberger, Hernandez-Lobato, Bayesian Deep Learning workshop (2019), who use the sampler of
    Springenberg, Klein, Falkner, Hutter, NeurIPS (2016); Chen, Fox, Guestrin, ICML (2014), equation
    15. The steps follow Ahn, Korattikara, Welling, ICML (2012): curvature where Springenberg et al.
    have the size of the gradients.
    """
    parameters = flatten(model.params, lambda name: name.startswith("decoder/"))
    apply = model.reconstruct()
    cost = Cost(
        training_passes=settings.curvature_samples + _passes(len(train_images), settings),
        forward_passes=settings.num_samples,
        memory_bytes=settings.num_samples * parameters.size * BYTES,
    )
    samples = sample_decoder(model, parameters, train_images, key, settings)
    return variance_over_members(
        (run(apply, params, images, settings.batch_size) for params in samples), cost
    )


def sample_decoder(
    model: Autoencoder,
    parameters: FlatParameters,
    train_images: np.ndarray,
    key: jax.Array,
    settings: Settings,
) -> Iterator[dict]:
    r"""Yield parameters of the model whose decoder is a sample of the posterior.

    .. math:: U(\theta) = \frac{n}{m} \sum_{i \le m} \frac{|x_i - d_\theta(z_i)|^2}{2 v}
              + \frac{a}{2} |\theta|^2, \qquad z_i \sim q(z | x_i)

    Raises
    ------
    InputError
        The weights left every bound.
    """
    count, size = len(train_images), min(settings.batch_size, len(train_images))
    key_steps, key_chain = jax.random.split(key)
    variance, precision = settings.likelihood_variance, settings.mcmc_prior_precision
    steps = _steps(model, parameters, train_images, key_steps, settings)
    friction = settings.mcmc_friction
    decode = model.decode()
    fixed = parameters.fixed

    def potential(vector: jax.Array, batch: dict[str, Any], noise: jax.Array) -> jax.Array:
        latents = batch["mean"] + batch["deviation"] * noise
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

    mean, deviation = encode(model, train_images, settings.batch_size)
    random = np.random.default_rng(seed_from(key_chain))
    vector, velocity = parameters.vector, jnp.zeros_like(steps)
    for step in range(1, _num_steps(settings) + 1):
        chosen = np.sort(random.choice(count, size, replace=False))
        batch = {
            "images": train_images[chosen],
            "mean": mean[chosen],
            "deviation": deviation[chosen],
        }
        vector, velocity = move(vector, velocity, batch, jax.random.fold_in(key_chain, step))
        after = step - settings.mcmc_burn_in
        if after > 0 and after % settings.mcmc_thinning == 0:
            if not bool(jnp.isfinite(vector).all()):
                raise InputError(
                    f"the chain of the Bayesian VAE left every bound after {step} steps; lower "
                    f"mcmc_step (now {settings.mcmc_step:g})"
                )
            # Cut by numpy: jax would compile a function for each leaf.
            yield parameters.to_tree(np.asarray(vector), fixed)


def _steps(
    model: Autoencoder,
    parameters: FlatParameters,
    train_images: np.ndarray,
    key: jax.Array,
    settings: Settings,
) -> jax.Array:
    """Return the step of each weight, h (p,)."""
    apply, variance = model.reconstruct(), settings.likelihood_variance
    curvature = diagonal(
        apply,
        parameters,
        train_images,
        num_samples=settings.curvature_samples,
        batch_size=settings.batch_size,
        key=key,
    )
    scale = 1 / np.sqrt(curvature / variance + settings.mcmc_prior_precision)
    scale = scale.astype(parameters.dtype)
    # The chain moves by one batch at a time, so it is a batch that it must be stable for.
    batch = np.asarray(train_images[: settings.batch_size])
    share = len(train_images) / (len(batch) * variance)
    product = ggn.ggn_product(apply, parameters, batch, batch_size=len(batch), scale=share)
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
    return jnp.asarray(settings.mcmc_step / (stiffest.values[0] + 1) * scale**2)


def _num_steps(settings: Settings) -> int:
    return settings.mcmc_burn_in + settings.num_samples * settings.mcmc_thinning


def _passes(count: int, settings: Settings) -> float:
    batches = _num_steps(settings) + STIFFNESS_PRODUCTS
    return batches * min(settings.batch_size, count) / count
