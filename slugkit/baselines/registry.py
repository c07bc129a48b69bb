"""All comparators by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from slugkit.baselines import (
    bayesian_vae,
    deep_ensemble,
    encoder_deviation,
    jacobian_norm,
    laplacian_autoencoder,
    last_layer_laplace,
    monte_carlo_dropout,
    sketched_lanczos,
    slug,
    squared_error,
    trivial,
)
from slugkit.baselines.comparison import Comparison


@dataclass(frozen=True)
class Comparator:
    """A comparator, what people call it, and what it is asked to look at."""

    title: str
    compare: Callable[..., Comparison]
    network: Literal["trained", "members", "with_dropout"] = "trained"
    trivial: bool = False


# The squared error is what the others predict: an oracle for images, a rival for pixels.
ORACLE = "squared_error"

COMPARATORS = {
    "slug": Comparator("SLUG", slug.compare),
    "sketched_lanczos": Comparator("SLU (sketched)", sketched_lanczos.compare),
    "jacobian_norm": Comparator("Jacobian norm (k = 0)", jacobian_norm.compare),
    "last_layer_laplace": Comparator("last-layer Laplace", last_layer_laplace.compare),
    "laplacian_autoencoder": Comparator("Laplacian autoencoder", laplacian_autoencoder.compare),
    "bayesian_vae": Comparator("Bayesian VAE", bayesian_vae.compare),
    "deep_ensemble": Comparator("deep ensemble", deep_ensemble.compare, "members"),
    "monte_carlo_dropout": Comparator(
        "Monte Carlo dropout", monte_carlo_dropout.compare, "with_dropout"
    ),
    "encoder_deviation": Comparator("encoder deviation", encoder_deviation.compare),
    "edge_energy": Comparator("edge energy", trivial.edge_energy, trivial=True),
    "local_contrast": Comparator("local contrast", trivial.local_contrast, trivial=True),
    "colour_distance": Comparator(
        "distance to median colour", trivial.colour_distance, trivial=True
    ),
    "nearest_in_pixels": Comparator(
        "nearest neighbour (pixels)", trivial.nearest_in_pixels, trivial=True
    ),
    "nearest_in_latent": Comparator(
        "nearest neighbour (latent)", trivial.nearest_in_latent, trivial=True
    ),
    "divergence": Comparator("KL divergence", trivial.divergence, trivial=True),
    "norm_of_mean": Comparator("norm of the latent mean", trivial.norm_of_mean, trivial=True),
    ORACLE: Comparator("squared error (oracle)", squared_error.compare),
}
