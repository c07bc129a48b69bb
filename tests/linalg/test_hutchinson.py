"""Hutchinson's estimator; what every estimator must do is in test_every_estimator.py."""

import jax
import jax.numpy as jnp
import numpy as np
from probe_checks import SIZE, SPECTRA, matrix_with

from slugkit.linalg.hutchinson import hutchinson


def test_forms_of_several_matrices_give_several_traces():
    matrix = matrix_with(SPECTRA["decaying"], jnp.float32)

    def forms(x):
        one = jnp.sum(x * (x @ matrix), axis=1)
        return jnp.stack([one, 3 * one], axis=1)

    made = hutchinson(forms, SIZE, 20, jax.random.key(0))
    assert made.value.shape == made.standard_error.shape == (2,)
    np.testing.assert_allclose(made.value[1], 3 * made.value[0], rtol=1e-6)
