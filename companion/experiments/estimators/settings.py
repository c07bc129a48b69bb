"""The settings of the comparison of the estimators."""

from typing import Annotated, ClassVar

from pydantic import Field

from companion.config import Count, Experiment, Profile


class Estimators(Experiment):
    """Error against products, for every estimator of the score and of the map."""

    name: ClassVar[str] = "estimators"

    images: Annotated[int, Field(ge=1, le=2)]
    # The sides of the images, and the largest budget that is tried at each. Where it is not the
    # side that the network was trained at, so many training images are taken for the fit.
    most_products: dict[Annotated[int, Field(ge=16)], Count] = Field(default={})
    train_images: Count = 1
    score_budgets: tuple[Annotated[int, Field(ge=4)], ...]
    map_budgets: tuple[Annotated[int, Field(ge=4)], ...]
    score_repeats: Count
    reference_outputs: Count
    reference_products: Count
    # How many samples the paper's estimator of the score needs is found on so many skin images of
    # each tone, by the spread of so many samples.
    spread_images: Count = 10
    spread_samples: Annotated[int, Field(ge=8)] = 32

    def check(self, profile: Profile) -> None:
        other = set(self.most_products) - {profile.data.image_size}
        if other and profile.model.latent == "dense":
            raise ValueError(
                f"experiments.estimators.most_products: a network with a dense latent takes no "
                f"images of {min(other)} pixels; name {profile.data.image_size} alone"
            )
