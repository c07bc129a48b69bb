"""Nystrom approximations, with and without each probe."""

import jax
import jax.numpy as jnp
import numpy as np

from slugkit.linalg.nystrom import nystrom

SIZE, PROBES = 12, 5


def dense(matrix, omega):
    y = matrix @ omega
    return y @ np.linalg.inv(omega.T @ y) @ y.T


def test_the_approximation_and_those_that_leave_one_probe_out():
    with jax.enable_x64(True):
        random = np.random.default_rng(0)
        half = random.normal(size=(SIZE, SIZE))
        matrix, omega = half @ half.T, random.normal(size=(SIZE, PROBES))
        made = nystrom(jnp.asarray(omega), jnp.asarray(matrix @ omega))
        shifted = matrix + float(made.shift) * np.eye(SIZE)
        whole = np.asarray(made.root @ made.root.T)
        np.testing.assert_allclose(whole, dense(shifted, omega), rtol=1e-6)
        for i in range(PROBES):
            others = np.delete(omega, i, axis=1)
            z, d = np.asarray(made.z)[:, i], float(made.d[i])
            np.testing.assert_allclose(
                whole - np.outer(z, z) / d, dense(shifted, others), atol=1e-8
            )
            residual = (shifted - dense(shifted, others)) @ omega[:, i]
            np.testing.assert_allclose(z / d, residual, atol=1e-7)
