"""What one job computes, counted in steps whose price can be measured on any machine."""

import math
from dataclasses import dataclass
from typing import Literal

Kind = Literal["training_step", "ggn_product", "jacobian_product"]


@dataclass(frozen=True)
class Cost:
    """A number of steps of one kind, each on a batch of images of the profile's size.

    A forward pass costs about what a Jacobian-vector product does, and a backward pass less than a
    product with G: they are counted as those.
    """

    kind: Kind
    number: float
    images: float  # in one step; a fraction stands for an image of another size


def passes(kind: Kind, number: float, images: int, batch_size: int) -> Cost:
    """Return the cost of a number of passes over all images, spread evenly over their batches.

    >>> passes("ggn_product", 2, 100, 32)
    Cost(kind='ggn_product', number=8, images=25.0)
    """
    batches = max(1, math.ceil(images / batch_size))
    return Cost(kind, number * batches, images / batches)


def trainings(networks: float, epochs: int, images: int, batch_size: int) -> Cost:
    """Return the cost of training a number of networks."""
    steps = epochs * max(1, images // batch_size)
    return Cost("training_step", networks * steps, min(batch_size, images))
