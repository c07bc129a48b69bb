"""The diagonal of G from backward passes, for a linear autoencoder."""

import numpy as np
import pytest
from linear_model import KEY, exact_diagonal, make_images, make_model

from slugkit.operators.diagonal import ggn_diagonal
from slugkit.operators.parameters import flatten

MODEL, TRAIN = make_model(), make_images(20)


def test_the_diagonal_of_g_has_the_stated_error():
    estimate = ggn_diagonal(
        MODEL.reconstruct(), flatten(MODEL.params), TRAIN, num_samples=200, batch_size=20, key=KEY
    )
    relative = estimate / exact_diagonal(MODEL, TRAIN) - 1
    assert np.sqrt(np.mean(relative**2)) == pytest.approx(np.sqrt(2 / 200), rel=0.3)
    assert abs(relative.mean()) < 0.05


def test_the_diagonal_does_not_count_padding():
    parts = [
        ggn_diagonal(
            MODEL.reconstruct(),
            flatten(MODEL.params),
            TRAIN,
            num_samples=800,
            batch_size=b,
            key=KEY,
        )
        for b in (8, 20)
    ]
    np.testing.assert_allclose(parts[0] / parts[1], 1, atol=5 * np.sqrt(4 / 800))
