"""Random vectors that depend on a seed and their number alone."""

import jax
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from slugkit.linalg.random import normals, seed_from


@given(st.integers(0, 10), st.integers(1, 10), st.integers(0, 2**64 - 1))
def test_vectors_do_not_depend_on_how_they_are_grouped(start, count, seed):
    whole = normals(seed, range(start + count), 5, np.float32)
    part = normals(seed, range(start, start + count), 5, np.float32)
    np.testing.assert_array_equal(part, whole[start:])


def test_components_are_standard_normal():
    made = normals(0, range(200), 500, np.float64)
    assert abs(made.mean()) < 4 / made.size**0.5
    assert abs(made.var() - 1) < 4 * (2 / made.size) ** 0.5
    assert np.abs(made @ made.T / 500 - np.eye(200)).max() < 0.4


def test_other_keys_give_other_seeds():
    keys = jax.random.split(jax.random.key(0), 50)
    seeds = {seed_from(key) for key in keys}
    assert len(seeds) == 50
    assert max(seeds) >= 2**32
    assert seed_from(keys[0]) == seed_from(keys[0])
