"""The estimator of Bekas et al.; what every estimator must do is in test_every_estimator.py."""

import jax
import jax.numpy as jnp
import numpy as np
from probe_checks import SIZE, SPECTRA, matrix_with

from slugkit.linalg.bekas import bekas


def test_a_product_on_the_host_gives_the_same():
    matrix = matrix_with(SPECTRA["decaying"], jnp.float32)
    on_device = bekas(lambda x: x @ matrix, SIZE, 20, jax.random.key(0))
    host = np.asarray(matrix)
    on_host = bekas(lambda x: np.asarray(x) @ host, SIZE, 20, jax.random.key(0))
    assert isinstance(on_host.value, np.ndarray)
    np.testing.assert_allclose(on_host.value, on_device.value, rtol=1e-3, atol=1e-5)
