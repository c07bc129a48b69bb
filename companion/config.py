"""The settings of every run: data, model, training, curvature, scores and statistics.

Each experiment has a section of its own, declared beside it (see `companion.experiments`), so that
a change to one leaves the results of all others as they are.
"""

import hashlib
import json
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, model_validator

from slugkit.errors import InputError
from slugkit.model.architecture import Architecture
from slugkit.model.schedule import Schedule

Count = Annotated[int, Field(ge=1)]
# The training sets: light skin, half and half, dark skin.
DATASETS = ("A", "B", "C")
# The mixed one, on whose network all is measured that needs one network only.
MIXED = "B"

SkinType = Annotated[int, Field(ge=1, le=6)]
Positive = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """Some settings that belong together; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Skin(Section):
    """The data set with skin types, from which A, B, C and the two test sets are drawn."""

    source: str
    light: tuple[SkinType, ...]
    dark: tuple[SkinType, ...]
    train: Annotated[int, Field(ge=2)]
    test: Count
    # As many light as dark images of each origin in every set; see slugkit.data.matched_splits.
    match: Literal["origin"] | None = None
    # The same test sets under every seed; the training sets are drawn anew.
    fixed_test: bool = False


class External(Section):
    """A data set that no model is trained on, with skin types."""

    source: str
    types: tuple[SkinType, ...]
    per_type: Count


class Objects(Section):
    """Foreign objects: drawn over clean images with exact masks, and real ones with tags."""

    source: str
    kinds: tuple[str, ...]
    per_kind: Count
    tagged: dict[str, Count] = {}


class Data(Section):
    image_size: Annotated[int, Field(ge=16)]
    skin: Skin
    external: External | None
    objects: Objects

    def real_sources(self) -> list[str]:
        """Return the names of the data sets under the data root."""
        return [source for source in self.sources() if source != "synthetic"]

    def sources(self) -> list[str]:
        """Return the names of the data sets, each once."""
        parts = [self.skin, self.external, self.objects]
        return list(dict.fromkeys(part.source for part in parts if part is not None))


class Model(Section):
    widths: tuple[Count, ...]
    blocks: Count = 1
    latent: Literal["spatial", "dense"]
    latent_size: Count
    likelihood_variance: Positive


class Training(Section):
    epochs: Count
    batch_size: Count
    learning_rate: Positive
    checkpoint_every: Count
    perceptual_weight: Annotated[float, Field(ge=0)] = 0.0


class Curvature(Section):
    """The generalised Gauss-Newton matrix and its top eigenvectors."""

    rank: Annotated[int, Field(ge=0)]
    tolerance: Positive
    max_products: Count
    batch_size: Count
    trace_samples: Annotated[int, Field(ge=2)]


class Scores(Section):
    num_samples: Annotated[int, Field(ge=2)]
    batch_size: Count


class Statistics(Section):
    """Bootstrap over images, for every interval in the book."""

    resamples: Count
    confidence: Annotated[float, Field(gt=0, lt=1)]


class Experiment(Section):
    """The settings of one experiment, whose results are beside those of the main run."""

    name: ClassVar[str]  # in profiles/*.yml, under `experiments`

    num_runs: Count | None = None  # how many of the profile's runs it is made on; all if None

    def check(self, profile: "Profile") -> None:
        """Raise a ValueError if the settings do not go with the rest of the profile."""


class SeparateExperiment(Experiment):
    """An experiment with data and a network of its own; its results are in a folder of its name."""

    @abstractmethod
    def own_profile(self, profile: "Profile") -> "Profile":
        """Return the profile of the experiment's own setting."""


E = TypeVar("E", bound=Experiment)


class Profile(Section):
    """One way to run everything; see the comments in profiles/*.yml."""

    name: str
    summary: str
    full_scale: bool = False  # whether images, sizes and runs are as many as in the paper
    seeds: Annotated[tuple[int, ...], Field(min_length=1)]
    data: Data
    model: Model
    training: Training
    curvature: Curvature
    scores: Scores
    experiments: dict[str, SerializeAsAny[Experiment]] = {}
    statistics: Statistics

    @model_validator(mode="after")
    def _check(self) -> "Profile":
        self.architecture()
        if set(self.data.skin.light) & set(self.data.skin.dark):
            raise ValueError("data.skin: a skin type is listed both as light and as dark")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds: {self.seeds} holds one twice")
        # Those of a part were checked with the whole.
        if "/" not in self.name:
            for experiment in self.experiments.values():
                if (experiment.num_runs or 1) > len(self.seeds):
                    raise ValueError(
                        f"experiments.{experiment.name}.num_runs: {experiment.num_runs} is more "
                        f"than the number of seeds, {len(self.seeds)}"
                    )
                experiment.check(self)
        return self

    def architecture(self) -> Architecture:
        """Return the shape of the network."""
        return Architecture(image_size=self.data.image_size, **self.model.model_dump())

    def schedule(self) -> Schedule:
        """Return how long and how fast the network is trained."""
        return Schedule(**self.training.model_dump(exclude={"perceptual_weight"}))

    def experiment(self, kind: type[E]) -> E:
        """Return the settings of one experiment.

        Raises
        ------
        InputError
            The profile has none.
        """
        found = self.experiments.get(kind.name)
        if not isinstance(found, kind):
            raise InputError(
                f"profile {self.name!r} has no experiments.{kind.name}: copy them from "
                "profiles/quick.yml"
            )
        return found

    def part(self, name: str) -> "Profile":
        """Return the profile of a separate experiment, or this one if there is no name."""
        if not name:
            return self
        experiment = self.experiments[name]
        if not isinstance(experiment, SeparateExperiment):
            raise InputError(
                f"experiments.{name} has no setting of its own: derive its settings from "
                f"SeparateExperiment, or declare its steps without part={name!r}"
            )
        return experiment.own_profile(self)

    def seeds_of(self, sections: Iterable[str]) -> tuple[int, ...]:
        """Return the seeds of the runs that something with these settings is made on."""
        own = [self.experiments[name].num_runs for name in sections if name in self.experiments]
        return self.seeds[: min([number for number in own if number], default=len(self.seeds))]

    def of_runs(self, seeds: tuple[int, ...]) -> "Profile":
        """Return the profile of some of its runs alone."""
        content = {name: getattr(self, name) for name in type(self).model_fields}
        experiments = {
            name: one.model_copy(
                update={"num_runs": one.num_runs and min(one.num_runs, len(seeds))}
            )
            for name, one in self.experiments.items()
        }
        return Profile(**content | {"seeds": seeds, "experiments": experiments})

    def changed(self, changes: Mapping[str, Any]) -> "Profile":
        """Return a profile that differs in some entries of `model` and `training`."""
        content = {name: getattr(self, name) for name in type(self).model_fields}
        for section, kind in (("model", Model), ("training", Training)):
            own = {name: value for name, value in changes.items() if name in kind.model_fields}
            content[section] = content[section].model_dump() | own
        unknown = set(changes) - set(Model.model_fields) - set(Training.model_fields)
        if unknown:
            raise ValueError(f"{', '.join(sorted(unknown))}: neither of the model nor of training")
        return Profile(**content)

    def digest(self, *sections: str) -> str:
        """Return the first 12 hexadecimal digits of the SHA-256 of the named sections (or all).

        A section is one of this class's, such as "model", or an experiment, such as "sketch". On
        how many runs an experiment is made changes none of them.
        """
        content = self.model_dump(mode="json")
        for name, settings in content.pop("experiments").items():
            content[name] = {key: settings[key] for key in settings if key != "num_runs"}
        chosen = {name: content.get(name) for name in sections or content}
        return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()[:12]
