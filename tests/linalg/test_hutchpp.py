"""Hutch++; what every estimator must do is in test_every_estimator.py."""

import jax.numpy as jnp
from probe_checks import root_mean_square_error, trace

from slugkit.linalg.hutchpp import hutchpp


def test_it_is_better_than_hutchinson():
    ours, theirs = (root_mean_square_error(one, jnp.trace) for one in (hutchpp, trace))
    assert ours < theirs
