"""XNysTrace; what every estimator must do is in test_every_estimator.py."""

import jax.numpy as jnp
from probe_checks import root_mean_square_error

from slugkit.linalg.xnystrace import xnystrace
from slugkit.linalg.xtrace import xtrace


def test_it_is_better_than_xtrace():
    ours, theirs = (root_mean_square_error(one, jnp.trace) for one in (xnystrace, xtrace))
    assert ours < theirs
