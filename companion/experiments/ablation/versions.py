"""Versions of the score, trivial baselines, and which version adds most to them."""

import hashlib
from collections.abc import Callable, Iterable, Sequence

import jax
import numpy as np
import pandas as pd

from companion.statistics.metrics import over_seeds, partial_spearman, spearman
from slugkit.baselines.interface import Problem
from slugkit.baselines.trivial import Divergence, EdgeEnergy, NearestInPixels, NormOfMean
from slugkit.model.vae import TrainedVAE
from slugkit.operators.parameters import FlatParameters

VERSIONS = {
    "slug": "SLUG",
    "jacobian_norm": "Jacobian norm (k = 0)",
    "over_jacobian_norm": "SLUG over Jacobian norm",
    "logit": "SLUG before the sigmoid",
    "prior": "prior precision by evidence",
    "layers": "every layer moved alike",
    "decoder": "decoder alone",
    "perceptual": "perceptual loss in the curvature",
}
TRIVIAL = {
    "edge_energy": EdgeEnergy(),
    "nearest_training_distance": NearestInPixels(),
    "kl": Divergence(),
    "norm_of_mean": NormOfMean(),
}
HALVES = ("choose", "confirm")


def sigmoid_slope(outputs: np.ndarray) -> np.ndarray:
    r"""Return the slope of the logistic function where its value is `outputs`.

    A variance divided by its square is the variance of the logit.

    >>> sigmoid_slope(np.array([0.5])).tolist()
    [0.25]
    """
    return outputs * (1 - outputs)


def layer_scales(parameters: FlatParameters) -> np.ndarray:
    """Return, for each parameter (p,), the root mean square of its layer's.

    Random directions of these lengths move every layer by the same fraction, whatever its scale
    (Li et al. 2018, Visualizing the loss landscape of neural nets, section 4, by layer).
    """
    leaves = [np.asarray(parameters.leaves[i], float) for i in parameters.selected]
    return np.concatenate([np.full(leaf.size, np.sqrt(np.mean(leaf**2))) for leaf in leaves])


def trivial_scores(
    model: TrainedVAE, train_images: np.ndarray, images: np.ndarray, batch_size: int
) -> dict[str, np.ndarray]:
    """Return what costs no curvature, per image (n,): see `TRIVIAL`."""
    problem = Problem(
        model,
        train_images,
        images,
        jax.random.key(0),
        num_samples=0,  # they draw nothing
        batch_size=batch_size,
        likelihood_variance=model.architecture.likelihood_variance,
    )
    return {name: one.compare(problem).score for name, one in TRIVIAL.items()}


def half_of(groups: Iterable[str]) -> list[str]:
    """Return the half of the data that each group, such as a patient, belongs to.

    It follows from the name alone, so that no group is in one half for one seed and in the other
    for the next.

    >>> half_of(["patient 1", "patient 1"]) in (["choose"] * 2, ["confirm"] * 2)
    True
    """
    return [HALVES[hashlib.sha256(group.encode()).digest()[0] % 2] for group in groups]


def best_baseline(table: pd.DataFrame) -> str:
    """Return the baseline of the largest rank correlation with the error, of either sign."""
    return max(TRIVIAL, key=lambda name: abs(_mean(spearman, table, name, "mse")))


def best_version(table: pd.DataFrame, versions: Sequence[str], given: str) -> str:
    """Return the version of the largest partial rank correlation with the error."""
    return max(versions, key=lambda name: _mean(partial_spearman, table, name, "mse", given))


def choose(table: pd.DataFrame, versions: Sequence[str]) -> tuple[str, str]:
    """Return the best version and the best baseline, from the choosing half alone.

    Parameters
    ----------
    table
        One row per (seed, image): half, seed, mse, the versions and the baselines.
    versions
        The columns to choose from.
    """
    half = table[table["half"] == "choose"]
    given = best_baseline(half)
    return best_version(half, versions, given), given


def _mean(statistic: Callable[..., float], table: pd.DataFrame, *columns: str) -> float:
    values = [table[column].to_numpy(float) for column in (*columns, "seed")]
    return over_seeds(statistic)(*values)
