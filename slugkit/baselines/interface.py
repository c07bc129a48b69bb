"""What every baseline is given and returns.

Images have the shape (n, H, W, C) and values in [0, 1].
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, get_args

import jax
import numpy as np
from jaxtyping import Float

from slugkit.discovery import discover
from slugkit.errors import InputError
from slugkit.linalg.estimates import mean
from slugkit.posterior import Posterior
from slugkit.solvers.interface import Solver

BYTES = 4  # of a float32

# What the paper or its field names; what knows nothing of the weights; and what is to be predicted.
Kind = Literal["named", "trivial", "oracle"]


class Autoencoder(Protocol):
    """A trained network, such as `slugkit.model.vae.TrainedVAE`."""

    @property
    def params(self) -> dict:
        """Nested dictionaries of arrays, with "encoder" and "decoder" at the top."""
        ...

    def reconstruct(self) -> Callable[[dict, jax.Array], jax.Array]:
        """Return apply(params, images), the reconstructions from the latent means."""
        ...

    def encode(self) -> Callable[[dict, jax.Array], tuple[jax.Array, jax.Array]]:
        """Return apply(params, images), the mean and the standard deviation of q(z|x)."""
        ...

    def decode(self) -> Callable[[dict, jax.Array], jax.Array]:
        """Return apply(params, latents), the mean of p(x|z)."""
        ...

    def reconstruct_at_random(self) -> Callable[[dict, jax.Array, jax.Array], jax.Array]:
        """Return apply(params, images, key), the reconstructions with dropout on."""
        ...


class Retrain(Protocol):
    """Trains a network like the one at hand."""

    def __call__(self, *, seed: int = 0, dropout: float = 0.0) -> Autoencoder:
        """Return a network with dropout, or of another seed; 0 is that of the first network."""
        ...


@dataclass(frozen=True)
class Problem:
    """A trained network, the images that it has seen, and those whose uncertainty is asked for.

    Parameters
    ----------
    model
        The network.
    train_images, images
        The images.
    key
        For the random numbers of a baseline.
    num_samples
        S, the same for all that draw anything: passes with dropout, samples of the weights, or
        Jacobian products, each per image.
    batch_size
        How many images are computed at once.
    likelihood_variance
        v, of the Gaussian likelihood, per pixel and channel.
    rank, solver
        Of the eigenpairs, for SLUG and the last layer; see `slugkit.slug.fit`.
    posterior
        The eigenpairs for SLUG, where they are known; None finds them.
    retrain
        Trains additional networks for the baselines that need some.
    """

    model: Autoencoder
    train_images: Float[np.ndarray, "m H W C"]
    images: Float[np.ndarray, "n H W C"]
    key: jax.Array
    num_samples: int
    batch_size: int
    likelihood_variance: float
    rank: int = 50
    solver: Solver | str = "lanczos"
    posterior: Posterior | None = None
    retrain: Retrain | None = None

    def further_network(self, *, seed: int = 0, dropout: float = 0.0) -> Autoencoder:
        """Return a network from `retrain`.

        Raises
        ------
        InputError
            The problem has none.
        """
        if self.retrain is None:
            raise InputError(
                "retrain is None, but this baseline needs additional networks; give a function "
                "retrain(seed=..., dropout=...) that trains one"
            )
        return self.retrain(seed=seed, dropout=dropout)


@dataclass(frozen=True)
class Cost:
    """What a baseline takes, in units that do not depend on the machine."""

    trainings: int = 1  # networks trained from scratch
    training_passes: float = 0  # forward and backward over the training images, after training
    products: int = 0  # with the Jacobian, per image
    forward_passes: int = 0  # per image
    memory_bytes: int = 0  # beside one network and the images at hand


@dataclass(frozen=True)
class Comparison:
    """An uncertainty for each image, and for each pixel where there is one."""

    score: Float[np.ndarray, " n"]  # higher is more uncertain
    map: Float[np.ndarray, "n H W"] | None
    cost: Cost
    standard_error: Float[np.ndarray, " n"] | None = None  # of a score that is estimated
    # What the method itself predicts, where that is not what the network reconstructs.
    reconstruction: Float[np.ndarray, "n H W C"] | None = None


class Baseline(ABC):
    """Says how uncertain the reconstruction of each image is.

    A baseline is a frozen dataclass with its own settings, all of which have defaults, in a module
    of `slugkit.baselines`.
    """

    name: ClassVar[str]
    title: ClassVar[str]  # what people call it
    kind: ClassVar[Kind] = "named"

    @abstractmethod
    def compare(self, problem: Problem) -> Comparison:
        """Return the uncertainty of each image."""


def baselines() -> dict[str, type[Baseline]]:
    """Return all baselines by name: the named ones, the trivial ones, and the oracle."""
    found = discover(__package__, Baseline)  # type: ignore[type-abstract]
    kinds = get_args(Kind)
    return dict(sorted(found.items(), key=lambda item: kinds.index(item[1].kind)))


def configured(settings: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, Baseline]:
    """Return all baselines, those that are named in the settings with these instead of defaults.

    Raises
    ------
    InputError
        There is no baseline of a name, or it has no such setting.
    """
    found, settings = baselines(), settings or {}
    for name, given in settings.items():
        if name not in found:
            raise InputError(f"there is no baseline {name!r}; choose one of {', '.join(found)}")
        known = [field.name for field in dataclasses.fields(found[name])]  # type: ignore[arg-type]
        for setting in given:
            if setting not in known:
                raise InputError(
                    f"the baseline {name!r} has no setting {setting!r}; choose one of "
                    f"{', '.join(known) or 'none'}"
                )
    return {name: one(**settings.get(name, {})) for name, one in found.items()}


def over_pixels(map_: Float[np.ndarray, "n ..."]) -> Float[np.ndarray, " n"]:
    """Return the sum of each map."""
    return map_.reshape(len(map_), -1).sum(axis=1)


def variance_over_members(
    reconstructions: Iterable[Float[np.ndarray, "n H W C"]], cost: Cost
) -> Comparison:
    r"""Return mean and variance of some reconstructions of the same images, in one pass.

    .. math:: \sigma^2 = \frac{1}{S - 1} \sum_{s=2}^{S} d_s, \qquad
              d_s = \frac{s - 1}{s} (y_s - \bar y_{s-1})^2

    Each d has the variance as its mean, and for normal reconstructions they are independent, so
    their spread gives the standard error of the score.

    Parameters
    ----------
    reconstructions
        At least two arrays, one for each network or sample.
    cost
        Goes into the result.

    References
    ----------
    Welford, Technometrics 4 (1962).

    Examples
    --------
    >>> members = [np.zeros((1, 1, 1, 1)), np.full((1, 1, 1, 1), 2.0)]
    >>> variance_over_members(members, Cost()).score.tolist()
    [2.0]
    """
    centre: Any = 0.0
    total: Any = 0.0
    increments = []
    for count, one in enumerate(reconstructions, start=1):
        difference = one.astype(float) - centre
        centre = centre + difference / count
        if count > 1:
            increment = (count - 1) / count * difference**2
            total = total + increment
            increments.append(over_pixels(increment))
    score = mean(np.stack(increments), 0)
    variance = total.sum(axis=-1) / len(increments)
    return Comparison(score.value, variance, cost, score.standard_error, centre)
