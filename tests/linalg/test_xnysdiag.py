"""XNysDiag; what every estimator must do is in test_every_estimator.py."""

import jax.numpy as jnp
from probe_checks import root_mean_square_error

from slugkit.linalg.bekas import bekas
from slugkit.linalg.xnysdiag import xnysdiag


def test_it_is_better_than_bekas():
    ours, theirs = (root_mean_square_error(one, jnp.diag) for one in (xnysdiag, bekas))
    assert 100 * ours < theirs
