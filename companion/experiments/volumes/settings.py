"""What the experiment with volumes is told."""

from typing import Annotated, ClassVar

from pydantic import Field

from companion.config import Count, Experiment

BATCH_SIZE = 16  # of a training step


class Volumes(Experiment):
    """Scores and maps of synthetic volumes, with and without a foreign object."""

    name: ClassVar[str] = "volumes"

    side: Annotated[int, Field(ge=16, multiple_of=8)]  # voxels
    image_side: Annotated[int, Field(ge=16, multiple_of=8)]  # of images with as many pixels
    train: Annotated[int, Field(ge=16)]
    test: Count
    steps: Count
    rank: Count
    max_products: Count
    num_samples: Annotated[int, Field(ge=2)]
