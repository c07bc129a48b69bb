"""XTrace; what every estimator must do is in test_every_estimator.py."""

import jax.numpy as jnp
from probe_checks import root_mean_square_error

from slugkit.linalg.hutchpp import hutchpp
from slugkit.linalg.xtrace import xtrace


def test_it_is_better_than_hutchpp():
    ours, theirs = (root_mean_square_error(one, jnp.trace) for one in (xtrace, hutchpp))
    assert ours < theirs
