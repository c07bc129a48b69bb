"""The last layer's Laplace approximation, against its closed form for a linear autoencoder."""

import numpy as np
import pytest
from baseline_checks import IMAGES, MODEL, PROBLEM, TRAIN, VARIANCE, check, check_keys
from linear_model import KEY, L, flat, weights

from slugkit import slug
from slugkit.baselines.last_layer import LastLayerLaplace, WholeMatrix
from slugkit.errors import InputError


def test_the_whole_matrix_of_the_last_layer_is_used_whatever_the_rank():
    e, w = weights(MODEL)
    known, z = flat(TRAIN) @ e, flat(IMAGES) @ e
    covariance = np.linalg.inv(known.T @ known + VARIANCE * np.eye(L))
    exact = np.einsum("nl,lm,nm->n", z, covariance, z)[:, None].repeat(w.shape[1], axis=1)
    found = LastLayerLaplace().compare(PROBLEM)
    check(found, exact, slack=0.01)
    assert found.cost.training_passes == w.size


def test_fewer_pairs_than_all_are_refused():
    with pytest.raises(InputError, match="the whole matrix has 72 eigenpairs"):
        slug.fit(MODEL.reconstruct(), MODEL.params, TRAIN, rank=3, key=KEY, solver=WholeMatrix())


def test_keys():
    check_keys(LastLayerLaplace())
