"""The shape of the network, apart from the layers, so that a plan can be made without JAX."""

from dataclasses import dataclass
from typing import Literal

from slugkit.errors import InputError


@dataclass(frozen=True)
class Architecture:
    """Everything that determines the network's shape.

    Parameters
    ----------
    image_size
        Height and width of the square images, in pixels.
    widths
        Channels at each resolution, from full resolution down; each later entry halves the
        resolution once.
    latent
        "spatial": the latent keeps the coarsest resolution, with `latent_size` channels.
        "dense": the latent is one vector of `latent_size` numbers for the whole image.
    latent_size
        Channels of the spatial latent, or length of the dense one.
    likelihood_variance
        Variance of the Gaussian likelihood p(x|z), per pixel and channel.
    blocks
        Residual blocks at each resolution.
    dropout
        Fraction of the activations that each residual block sets to zero, in [0, 1): in training,
        and where `TrainedVAE.reconstruct_at_random` is asked for.
    """

    image_size: int
    widths: tuple[int, ...]
    latent: Literal["spatial", "dense"]
    latent_size: int
    likelihood_variance: float
    blocks: int = 1
    dropout: float = 0.0

    @property
    def num_latents(self) -> int:
        """How many numbers the latent variable of one image has.

        >>> Architecture(64, (12, 24, 24), "spatial", 16, likelihood_variance=0.002).num_latents
        4096
        >>> Architecture(64, (12, 24, 24), "dense", 16, likelihood_variance=0.002).num_latents
        16
        """
        side = self.image_size // 2 ** (len(self.widths) - 1)
        return self.latent_size * (side**2 if self.latent == "spatial" else 1)

    def __post_init__(self) -> None:
        halvings = len(self.widths) - 1
        if not self.widths or self.image_size % 2**halvings:
            raise InputError(
                f"image_size {self.image_size} cannot be halved {halvings} times, as the widths "
                f"{self.widths} ask: use a multiple of {2 ** max(halvings, 0)} or fewer widths"
            )
        if self.likelihood_variance <= 0:
            raise InputError(
                f"likelihood_variance must be above 0, not {self.likelihood_variance}: "
                "0.002 to 0.01 suits images in [0, 1]"
            )
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout is {self.dropout}; give a fraction from 0 to below 1")
