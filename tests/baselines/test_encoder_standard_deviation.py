"""The standard deviation of the encoder."""

import numpy as np
from baseline_checks import PROBLEM

from slugkit.baselines.encoder_standard_deviation import EncoderStandardDeviation


def test_that_of_a_latent_without_a_place_has_no_map():
    found = EncoderStandardDeviation().compare(PROBLEM)
    np.testing.assert_allclose(found.score, 0.5)
    assert found.map is None
