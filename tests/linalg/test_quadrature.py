"""Stochastic Lanczos quadrature against dense traces."""

import numpy as np
import pytest

from slugkit.errors import InputError
from slugkit.linalg.quadrature import stochastic_lanczos_quadrature


@pytest.mark.parametrize("spectrum", ["decaying", "clustered", "rank-deficient"])
def test_quadrature_agrees_with_the_dense_trace(spectrum):
    values = {
        "decaying": 2.0 ** -np.arange(40),
        "clustered": np.repeat([5.0, 1.0, 0.1], [3, 7, 30]),
        "rank-deficient": np.r_[np.linspace(1, 3, 12), np.zeros(28)],
    }[spectrum]
    random = np.random.default_rng(0)
    q, _ = np.linalg.qr(random.normal(size=(40, 40)))
    matrix = (q * values) @ q.T
    quadrature = stochastic_lanczos_quadrature(
        lambda v: matrix @ v, 40, num_samples=200, num_steps=40, seed=1, dtype=np.float64
    )
    for function in (np.log1p, np.square):
        value, error = quadrature.trace(function)
        assert abs(value - function(values).sum()) < 4 * error


def test_a_projection_restricts_the_trace_to_its_range():
    values = np.arange(1.0, 31.0)
    inside = np.arange(30) < 20

    def project(vector):
        return np.where(inside, vector, 0)

    quadrature = stochastic_lanczos_quadrature(
        lambda v: values * v,
        30,
        num_samples=200,
        num_steps=20,
        seed=0,
        project=project,
        dimension=20,
        dtype=np.float64,
    )
    value, error = quadrature.trace(np.log)
    assert abs(value - np.log(values[inside]).sum()) < 4 * error


def test_nothing_is_left_of_a_projection_onto_nothing():
    quadrature = stochastic_lanczos_quadrature(
        lambda v: v, 5, num_samples=2, num_steps=3, seed=0, project=lambda v: 0 * v
    )
    assert quadrature.num_products == 0
    assert quadrature.trace(np.log1p) == (0.0, 0.0)


@pytest.mark.parametrize("change", [{"num_samples": 1}, {"num_steps": 0}])
def test_too_few_samples_and_steps_are_refused(change):
    options = {"num_samples": 2, "num_steps": 3} | change
    with pytest.raises(InputError, match="give at least 2 and 1"):
        stochastic_lanczos_quadrature(lambda v: v, 5, seed=0, **options)
