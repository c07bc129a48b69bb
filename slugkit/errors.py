"""The one error that a user is meant to read."""


class InputError(ValueError):
    """A bad input: the message names the thing, its value, and the remedy.

    The command line prints the message alone, without a traceback, and exits with status 2.
    """
