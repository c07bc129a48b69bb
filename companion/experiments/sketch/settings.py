"""What the experiment with sketched bases is told."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from companion.config import Count, Experiment


class Sketch(Experiment):
    """Scores with sketched bases against those with the full one."""

    name: ClassVar[str] = "sketch"

    train_images: Count
    rank: Count
    steps: tuple[Count, ...]
    shares: tuple[Annotated[float, Field(gt=0, le=1)], ...]
    sketches: tuple[Literal["srft", "sparse"], ...]
    num_samples: Annotated[int, Field(ge=2)]
