"""The settings of the benchmark with foreign objects."""

from typing import Annotated, ClassVar

from pydantic import Field

from companion.config import Count, Experiment, Positive


class ForeignObjects(Experiment):
    """Foreign objects of several sizes and contrasts over images without any."""

    name: ClassVar[str] = "objects"

    images: Count
    kinds: tuple[str, ...]
    scales: tuple[Positive, ...]
    contrasts: tuple[Annotated[float, Field(gt=0, le=1)], ...]
    num_samples: Annotated[int, Field(ge=2)]
    # Images with a known lesion, over which the objects are laid as well; 0 for none.
    lesions: Annotated[int, Field(ge=0)] = 0
