"""How long and how fast a network is trained, apart from the training."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train.

    Parameters
    ----------
    epochs
        Passes over the training images.
    batch_size
        Images per optimiser step; a last batch that is not full is left out of its epoch, and
        the order changes with each epoch.
    learning_rate
        Adam's initial step size; it follows a cosine down to zero at the last step.
    checkpoint_every
        Epochs between two checkpoints.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    checkpoint_every: int = 10
