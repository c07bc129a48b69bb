"""The budget of the baselines; the settings of each are declared with it in slugkit.baselines."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from companion.config import Experiment


class Comparisons(Experiment):
    """What SLUG is compared with, on the network of data set B of every seed."""

    name: ClassVar[str] = "comparisons"

    num_samples: Annotated[int, Field(ge=2)]  # of every baseline that takes samples
    # By the name of a baseline, what differs from its defaults.
    baselines: dict[str, dict[str, Any]] = Field(default={})
