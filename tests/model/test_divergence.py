"""The divergence of a latent from its prior."""

import numpy as np

from slugkit.model.divergence import divergence


def test_divergence_against_numerical_integration():
    mean, log_variance = 0.7, -0.4
    z = np.linspace(-10, 10, 20001)
    sigma = np.exp(log_variance / 2)
    log_q = -0.5 * ((z - mean) / sigma) ** 2 - np.log(sigma * np.sqrt(2 * np.pi))
    log_p = -0.5 * z**2 - np.log(np.sqrt(2 * np.pi))
    expected = np.trapezoid(np.exp(log_q) * (log_q - log_p), z)
    found = divergence(mean, np.exp(log_variance), log_variance)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
