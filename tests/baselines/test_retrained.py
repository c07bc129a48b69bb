"""Additional networks, against closed forms for linear autoencoders."""

from dataclasses import replace

import numpy as np
import pytest
from baseline_checks import IMAGES, MODEL, PROBLEM, check
from linear_model import SHAPE, D, L, flat, make_model, weights

from slugkit.baselines.retrained import DeepEnsemble, MonteCarloDropout
from slugkit.errors import InputError


def retrain(*, seed=0, dropout=0.0):
    return make_model(seed, rate=dropout)


PROBLEM = replace(PROBLEM, retrain=retrain)


def test_monte_carlo_dropout():
    rate = 0.25
    e, w = weights(MODEL)
    exact = rate / (1 - rate) * flat(IMAGES) ** 2 @ (e @ w) ** 2
    check(MonteCarloDropout(dropout=rate).compare(PROBLEM), exact)


def test_deep_ensemble():
    outputs = [flat(IMAGES) @ np.linalg.multi_dot(weights(make_model(seed))) for seed in range(5)]
    found = DeepEnsemble(members=5).compare(PROBLEM)
    exact = np.var(outputs, axis=0, ddof=1).reshape(-1, *SHAPE).sum(axis=-1)
    np.testing.assert_allclose(found.map, exact, rtol=1e-4)
    assert found.cost.trainings == 5
    assert found.cost.memory_bytes == 4 * 2 * D * L * 4


@pytest.mark.parametrize("baseline", [DeepEnsemble(), MonteCarloDropout()])
def test_without_a_way_to_additional_networks_they_say_what_to_give(baseline):
    with pytest.raises(InputError, match="retrain is None"):
        baseline.compare(replace(PROBLEM, retrain=None))


def test_unusable_settings_are_refused():
    with pytest.raises(InputError, match="members is 1"):
        DeepEnsemble(members=1)
    with pytest.raises(InputError, match="dropout is 1"):
        MonteCarloDropout(dropout=1)
