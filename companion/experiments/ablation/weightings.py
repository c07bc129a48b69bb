"""The ablation's posteriors: each of one fit, with the number of samples that stand for it."""

from typing import NamedTuple

from slugkit import slug


class Weighting(NamedTuple):
    """A posterior, and how many samples are taken of it."""

    posterior: slug.Posterior
    num_samples: int
