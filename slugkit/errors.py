"""The errors and warnings that a user is meant to read."""

import contextlib
from collections.abc import Callable, Iterator


class InputError(ValueError):
    """A bad input: the message names the thing, its value, and the remedy.

    The command line prints the message alone, without a traceback, and exits with status 2.
    """


class ImageError(InputError):
    """Something is wrong with one image, which the message names by its position.

    Parameters
    ----------
    message
        Returns the message for a position.
    image
        The position.
    """

    def __init__(self, message: Callable[[int], str], image: int):
        super().__init__(message(image))
        self.message, self.image = message, image


@contextlib.contextmanager
def counted_from(start: int) -> Iterator[None]:
    """Count the images of an `ImageError` from `start`, where a part of them was looked at.

    >>> with counted_from(10):
    ...     raise ImageError("image {} is black".format, 3)
    Traceback (most recent call last):
    slugkit.errors.ImageError: image 13 is black
    """
    try:
        yield
    except ImageError as error:
        raise ImageError(error.message, start + error.image) from error.__cause__


class ClusterWarning(UserWarning):
    """The rank cuts a cluster of equal eigenvalues: another seed takes other directions of it."""


class CostWarning(UserWarning):
    """What was asked for will take very many products."""
