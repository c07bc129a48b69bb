"""The standard deviation of the encoder, the uncertainty that a VAE carries itself."""

from dataclasses import dataclass
from typing import ClassVar

from slugkit.baselines.interface import Baseline, Comparison, Cost, Problem
from slugkit.baselines.latents import encode, to_pixels


@dataclass(frozen=True)
class EncoderStandardDeviation(Baseline):
    """The mean standard deviation of q(z|x) over the latents.

    References
    ----------
    The paper's section 4, its own comparison.
    """

    name: ClassVar[str] = "encoder_standard_deviation"
    title: ClassVar[str] = "encoder standard deviation"

    def compare(self, problem: Problem) -> Comparison:
        """Return score and map; see `Baseline`."""
        _, standard_deviation = encode(problem, problem.images)
        score = standard_deviation.reshape(len(problem.images), -1).mean(axis=1)
        map_ = to_pixels(standard_deviation, problem.images.shape[1:3])
        return Comparison(score, map_, Cost(forward_passes=1))
