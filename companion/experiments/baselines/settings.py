"""What the baselines may spend, and what each has to be told."""

from typing import Annotated, ClassVar

from pydantic import Field

from companion.config import Count, Experiment, Positive


class Comparisons(Experiment):
    """What SLUG is compared with, on the network of data set B of every seed."""

    name: ClassVar[str] = "comparisons"

    num_samples: Annotated[int, Field(ge=2)]  # of every baseline that draws any
    members: Annotated[int, Field(ge=2)]  # of the deep ensemble
    dropout: Annotated[float, Field(gt=0, lt=1)]
    curvature_samples: Count
    sketch_steps: Count
    sketch_share: Annotated[float, Field(gt=0, le=1)]
    sketch_images: Count
    mcmc_prior_precision: Positive
    mcmc_step: Annotated[float, Field(gt=0, lt=2)]  # below 2 (2 - friction), where it is unstable
    mcmc_friction: Annotated[float, Field(gt=0, le=1)]
    mcmc_burn_in: Count
    mcmc_thinning: Count
