"""Checks of numbers."""

import operator
from numbers import Real
from typing import Any

import numpy as np

from slugkit import refusals


def check_count(name: str, given: Any, least: int = 1) -> int:
    """Return a whole number of at least `least`, or say that it is none.

    >>> check_count("rank", np.int64(3))
    3

    Raises
    ------
    InputError
        It is no whole number, True or False among them, or below the least.
    """
    try:
        number = operator.index(given)
    except TypeError:
        number = least - 1
    if isinstance(given, bool | np.bool_) or number < least:
        raise refusals.COUNT.error(name=name, given=_shown(given), least=least)
    return number


def check_fraction(name: str, given: Any) -> float:
    """Return a number between 0 and 1, neither of them, or raise an InputError."""
    if not _is_real(given) or not 0 < given < 1:
        raise refusals.FRACTION.error(name=name, given=_shown(given))
    return float(given)


def check_prior_precision(given: Any) -> float | None:
    """Return a positive number or None, or raise an InputError."""
    if given is None:
        return None
    if not _is_real(given) or not 0 < given < np.inf:
        raise refusals.PRECISION.error(given=_shown(given))
    return float(given)


def _is_real(given: Any) -> bool:
    is_array = getattr(given, "shape", None) == () and hasattr(given, "__float__")
    return (isinstance(given, Real) or is_array) and not isinstance(given, bool | np.bool_)


def _shown(given: Any) -> str:
    text = repr(given)
    return text if len(text) <= 40 else f"of type {type(given).__name__}"
