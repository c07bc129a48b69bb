"""Checks of numbers."""

import jax.numpy as jnp
import numpy as np
import pytest

from slugkit.checks.numbers import check_count, check_fraction, check_prior_precision
from slugkit.errors import InputError


@pytest.mark.parametrize("given", [3, np.int64(3), np.array(3), jnp.array(3)])
def test_whole_numbers_of_any_kind_are_taken(given):
    assert check_count("rank", given) == 3


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (3.0, "3.0"),
        (True, "True"),
        (np.True_, "np.True_"),
        ("3", "'3'"),
        (None, "None"),
        (1, "1"),
        (-2, "-2"),
        (np.arange(40.0), "of type ndarray"),
    ],
)
def test_what_is_no_number_of_things_is_refused(given, shown):
    with pytest.raises(InputError) as error:
        check_count("rank", given, 2)
    assert str(error.value) == f"rank is {shown}; give a whole number of at least 2"


@pytest.mark.parametrize("given", [0, 1, -0.1, 2.5, "0.1", True, np.nan])
def test_what_is_no_fraction_is_refused(given):
    assert check_fraction("relative_error", np.float32(0.5)) == 0.5
    with pytest.raises(InputError) as error:
        check_fraction("relative_error", given)
    assert str(error.value) == (
        f"relative_error is {given!r}; give a fraction between 0 and 1, such as 0.05"
    )


@pytest.mark.parametrize("given", [0, -1.0, "1", True, np.inf, np.nan, [1.0]])
def test_what_is_no_precision_is_refused(given):
    assert check_prior_precision(None) is None
    assert check_prior_precision(2) == 2
    with pytest.raises(InputError) as error:
        check_prior_precision(given)
    message = f"prior_precision is {given!r}; give a positive number or None"
    assert str(error.value) == message
