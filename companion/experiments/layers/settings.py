"""What the split of SLUG by layer is told."""

from typing import Annotated, ClassVar

from pydantic import Field

from companion.config import Count, Experiment


class Layers(Experiment):
    """SLUG of each layer alone, on some skin images of each tone."""

    name: ClassVar[str] = "layers"

    images: Count
    num_samples: Annotated[int, Field(ge=2)]
