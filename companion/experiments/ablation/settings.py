"""The settings of the ablation: a small setting of its own, and what is changed in it."""

from typing import Annotated, Any, ClassVar

from pydantic import Field, ValidationError

from companion.config import (
    Count,
    Curvature,
    Data,
    Model,
    Profile,
    Scores,
    SeparateExperiment,
    Training,
)

# Random starts and steps of the quadrature behind the evidence, whose maximum is flat.
EVIDENCE_SAMPLES, EVIDENCE_STEPS = 2, 12


class Ablation(SeparateExperiment):
    """A small setting of its own, and what is changed in it, one thing at a time.

    `networks` holds what differs from `model` and `training`, one entry for each additional
    network; all else is measured on the unchanged one.
    """

    name: ClassVar[str] = "ablation"

    seeds: Annotated[tuple[int, ...], Field(min_length=1)]
    image_size: Annotated[int, Field(ge=16)]
    train: Annotated[int, Field(ge=2)]
    test: Annotated[int, Field(ge=4)]
    kinds: tuple[str, ...]
    per_kind: Count
    model: Model
    training: Training
    curvature: Curvature
    num_samples: Annotated[int, Field(ge=2)]
    networks: tuple[dict[str, Any], ...]
    ranks: tuple[Annotated[int, Field(ge=0)], ...]
    samples: tuple[Count, ...]
    subsets: tuple[Count, ...]
    # Of the perceptual loss beside the negative ELBO, in the curvature of the version of the score
    # of that name; it needs weights of VGG-19.
    perceptual_weight: Annotated[float, Field(ge=0)] = 0.0

    def check(self, profile: Profile) -> None:
        base = self.own_profile(profile)
        for changes in self.networks:
            try:
                base.changed(changes)
            except ValidationError as error:
                first = error.errors()[0]
                what = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
                raise ValueError(f"experiments.ablation.networks: {changes}: {what}") from None
            except ValueError as error:
                raise ValueError(f"experiments.ablation.networks: {error}") from None

    def own_profile(self, profile: Profile) -> Profile:
        """Return the profile of the base setting, whose network is trained on B."""
        skin = profile.data.skin.model_copy(update={"train": self.train, "test": self.test})
        objects = profile.data.objects.model_copy(
            update={"kinds": self.kinds, "per_kind": self.per_kind, "tagged": {}}
        )
        return Profile(
            name=f"{profile.name}/{self.name}",
            summary=profile.summary,
            full_scale=profile.full_scale,
            seeds=self.seeds,
            data=Data(image_size=self.image_size, skin=skin, external=None, objects=objects),
            model=self.model,
            training=self.training,
            curvature=self.curvature,
            scores=Scores(num_samples=self.num_samples, batch_size=self.curvature.batch_size),
            experiments=profile.experiments,
            statistics=profile.statistics,
        )
