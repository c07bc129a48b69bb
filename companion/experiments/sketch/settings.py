"""The settings of the experiment with sketched bases."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from companion.config import Count, Experiment, Section

Kind = Literal["srft", "sparse"]


class Growth(Section):
    """Untrained networks of several widths, for what grows with the number of parameters."""

    widths: Annotated[tuple[tuple[Count, ...], ...], Field(min_length=2)]
    image_size: Annotated[int, Field(ge=8)]
    steps: Count
    sizes: tuple[Count, ...]
    images: Count
    num_samples: Annotated[int, Field(ge=2)]


class Sketch(Experiment):
    """Scores with sketched bases against those with the same basis without a sketch."""

    name: ClassVar[str] = "sketch"

    train_images: Count
    rank: Count
    steps: tuple[Count, ...]
    fractions: tuple[Annotated[float, Field(gt=0, le=1)], ...]
    sketches: tuple[Kind, ...]
    repeats: Count = 1
    num_samples: Annotated[int, Field(ge=2)]
    growth: Growth | None = None
