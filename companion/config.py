"""Profiles: every number that a run depends on, validated, from profiles/*.yml."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from companion.paths import project_root
from slugkit.errors import InputError
from slugkit.model.architecture import Architecture
from slugkit.model.schedule import Schedule

Count = Annotated[int, Field(ge=1)]
SkinType = Annotated[int, Field(ge=1, le=6)]
Positive = Annotated[float, Field(gt=0)]

# The folder of the ablation's results, inside that of the run.
LABORATORY = "ablation"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Skin(_Section):
    """The data set with skin types, from which A, B, C and the two test sets are drawn."""

    source: str
    light: tuple[SkinType, ...]
    dark: tuple[SkinType, ...]
    train: Annotated[int, Field(ge=2)]
    test: Count


class External(_Section):
    """A data set that no model is trained on, with skin types."""

    source: str
    types: tuple[SkinType, ...]
    per_type: Count


class Objects(_Section):
    """Foreign objects: drawn over clean images with exact masks, and real ones with tags."""

    source: str
    kinds: tuple[str, ...]
    per_kind: Count
    tagged: dict[str, Count] = {}


class Data(_Section):
    image_size: Annotated[int, Field(ge=16)]
    skin: Skin
    external: External | None
    objects: Objects

    def real_sources(self) -> list[str]:
        """Return the names of the data sets that lie under the data root."""
        return [source for source in self.sources() if source != "synthetic"]

    def sources(self) -> list[str]:
        """Return the names of the data sets, each once."""
        parts = [self.skin, self.external, self.objects]
        return list(dict.fromkeys(part.source for part in parts if part is not None))


class Model(_Section):
    widths: tuple[Count, ...]
    blocks: Count = 1
    latent: Literal["spatial", "dense"]
    latent_size: Count
    likelihood_variance: Positive


class Training(_Section):
    epochs: Count
    batch_size: Count
    learning_rate: Positive
    checkpoint_every: Count
    perceptual_weight: Annotated[float, Field(ge=0)] = 0.0


class Curvature(_Section):
    """The generalised Gauss-Newton matrix and its top eigenvectors."""

    rank: Annotated[int, Field(ge=0)]
    tolerance: Positive
    max_products: Count
    batch_size: Count
    trace_samples: Annotated[int, Field(ge=2)]


class Scores(_Section):
    num_samples: Annotated[int, Field(ge=2)]
    batch_size: Count


class EstimatorsExperiment(_Section):
    """Error against products, for every estimator of the score and of the map."""

    images: Annotated[int, Field(ge=1, le=2)]
    # The sides of the images, and the largest budget that is tried at each. Where it is not the
    # side that the network was trained at, so many training images are taken for the fit.
    most_products: dict[Annotated[int, Field(ge=16)], Count] = {}
    train_images: Count = 1
    score_budgets: tuple[Annotated[int, Field(ge=4)], ...]
    map_budgets: tuple[Annotated[int, Field(ge=4)], ...]
    score_repeats: Count
    reference_outputs: Count
    reference_products: Count


class SketchExperiment(_Section):
    """Scores with sketched bases against those with the full one."""

    train_images: Count
    rank: Count
    steps: tuple[Count, ...]
    shares: tuple[Annotated[float, Field(gt=0, le=1)], ...]
    sketches: tuple[Literal["srft", "sparse"], ...]
    num_samples: Annotated[int, Field(ge=2)]


class ComparisonsExperiment(_Section):
    """What SLUG is compared with, on the network of data set B of every seed."""

    num_samples: Annotated[int, Field(ge=2)]  # of every baseline that draws any
    # By the name of a baseline, what differs from its defaults.
    baselines: dict[str, dict[str, Any]] = {}


class ObjectsExperiment(_Section):
    """Foreign objects of several sizes and contrasts over images without any."""

    images: Count
    kinds: tuple[str, ...]
    scales: tuple[Positive, ...]
    contrasts: tuple[Annotated[float, Field(gt=0, le=1)], ...]
    num_samples: Annotated[int, Field(ge=2)]
    # Images with a known lesion, over which the objects are laid as well; 0 for none.
    lesions: Annotated[int, Field(ge=0)] = 0


class AblationExperiment(_Section):
    """A small setting of its own, and what is changed in it, one thing at a time.

    `networks` holds what differs from `model` and `training`, one entry for each further network;
    all else is measured on the unchanged one.
    """

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


class Experiments(_Section):
    """Measurements of the method itself; the first two on the first network.

    The others may be missing: runs that were recorded before they came do not have them.
    """

    estimators: EstimatorsExperiment
    sketch: SketchExperiment
    comparisons: ComparisonsExperiment | None = None
    objects: ObjectsExperiment | None = None
    ablation: AblationExperiment | None = None


class Statistics(_Section):
    """Bootstrap over images, for every interval in the book."""

    resamples: Count
    confidence: Annotated[float, Field(gt=0, lt=1)]


class Profile(_Section):
    """One way to run everything; see the comments in profiles/*.yml."""

    name: str
    summary: str
    seeds: Annotated[tuple[int, ...], Field(min_length=1)]
    data: Data
    model: Model
    training: Training
    curvature: Curvature
    scores: Scores
    experiments: Experiments
    statistics: Statistics

    @model_validator(mode="after")
    def _check(self) -> "Profile":
        self.architecture()
        if set(self.data.skin.light) & set(self.data.skin.dark):
            raise ValueError("data.skin: a skin type is listed both as light and as dark")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds: {self.seeds} holds one twice")
        if not self.name.endswith(LABORATORY):
            self._check_experiments()
        return self

    def _check_experiments(self) -> None:
        other = set(self.experiments.estimators.most_products) - {self.data.image_size}
        if other and self.model.latent == "dense":
            raise ValueError(
                f"experiments.estimators.most_products: a network with a dense latent takes no "
                f"images of {min(other)} pixels; name {self.data.image_size} alone"
            )
        if self.experiments.ablation is not None:
            self._check_networks(self.experiments.ablation.networks)

    def _check_networks(self, networks: tuple[dict[str, Any], ...]) -> None:
        base = self.laboratory()
        for changes in networks:
            try:
                base.changed(changes)
            except ValidationError as error:
                first = error.errors()[0]
                what = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
                raise ValueError(f"experiments.ablation.networks: {changes}: {what}") from None

    def architecture(self) -> Architecture:
        """Return the shape of the network."""
        return Architecture(image_size=self.data.image_size, **self.model.model_dump())

    def schedule(self) -> Schedule:
        """Return how long and how fast the network is trained."""
        return Schedule(**self.training.model_dump(exclude={"perceptual_weight"}))

    def laboratory(self) -> "Profile":
        """Return the profile of the ablation's own, smaller setting, whose base network is B.

        Raises
        ------
        InputError
            This profile has no ablation.
        """
        lab = self.experiments.ablation
        if lab is None:
            raise InputError(
                f"profile {self.name!r} has no experiments.ablation: write one, as in "
                "profiles/quick.yml"
            )
        skin = self.data.skin.model_copy(update={"train": lab.train, "test": lab.test})
        objects = {"kinds": lab.kinds, "per_kind": lab.per_kind, "tagged": {}}
        content = self.model_dump() | {
            "name": f"{self.name}/{LABORATORY}",
            "seeds": lab.seeds,
            "data": {
                "image_size": lab.image_size,
                "skin": skin.model_dump(),
                "external": None,
                "objects": self.data.objects.model_dump() | objects,
            },
            "model": lab.model.model_dump(),
            "training": lab.training.model_dump(),
            "curvature": lab.curvature.model_dump(),
            "scores": {"num_samples": lab.num_samples, "batch_size": lab.curvature.batch_size},
        }
        return Profile(**content)

    def changed(self, changes: Mapping[str, Any]) -> "Profile":
        """Return a profile that differs in some entries of `model` and `training`."""
        content = self.model_dump()
        for name, value in changes.items():
            section = "model" if name in Model.model_fields else "training"
            content[section][name] = value
        return Profile(**content)

    def digest(self, *sections: str) -> str:
        """Return the first 12 hexadecimal digits of the SHA-256 of the named sections (or all)."""
        content = self.model_dump(mode="json", include=set(sections) or None)
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def list_profiles() -> list[str]:
    """Return the names of the profiles of this checkout."""
    return sorted(path.stem for path in (project_root() / "profiles").glob("*.yml"))


def load_profile(name: str) -> Profile:
    """Return the profile of that name.

    Raises
    ------
    InputError
        There is no such profile, or its file holds an unknown name or an impossible value.
    """
    path = project_root() / "profiles" / f"{name}.yml"
    if not path.is_file():
        raise InputError(
            f"there is no profile {name!r}: choose one of {', '.join(list_profiles())}, or add "
            f"profiles/{name}.yml"
        )
    return read_profile(path)


def read_profile(path: Path) -> Profile:
    """Return the profile in a YAML file; its name is the file's."""
    try:
        content = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise InputError(f"{path} is not valid YAML: {error}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path} holds no settings: start from profiles/quick.yml")
    try:
        return Profile(name=path.stem, **content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(
            f"{path}: {where + ': ' if where else ''}{first['msg']} (found {first['input']!r})"
            if first["type"] != "value_error"
            else f"{path}: {first['ctx']['error']}"
        ) from None
    except TypeError as error:
        raise InputError(f"{path}: {error}") from None
