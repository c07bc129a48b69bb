"""The experiment with volumes: its network, and what its step writes."""

import types

import jax
import numpy as np
import pytest

from companion.experiments.volumes import network, step, tables
from companion.experiments.volumes.settings import Volumes
from slugkit.data.synthesis.phantoms import phantoms

SETTINGS = Volumes(
    side=16, image_side=16, train=16, test=2, steps=5, rank=2, max_products=4, num_samples=4
)


@pytest.mark.parametrize("shape", [(8,), (8, 16), (8, 16, 24)])
def test_windows_are_gathered_and_spread_again(shape):
    x = np.random.default_rng(0).normal(size=(2, *shape, 3))
    windows = network._to_windows(x)
    assert windows.shape == (2, *(side // 2 for side in shape), 2 ** len(shape) * 3)
    first = x[(slice(None), *(slice(0, 2) for _ in shape))]
    found = windows[(slice(None), *(0 for _ in shape))]
    np.testing.assert_array_equal(found, first.reshape(2, -1))
    np.testing.assert_array_equal(network._from_windows(windows), x)


@pytest.mark.parametrize("shape", [(16, 16), (8, 8, 8)])
def test_training_lowers_the_error(shape):
    images, _ = phantoms(16, shape, seed=0)
    params = network.initialise(shape, jax.random.key(0))
    trained = network.train(params, images, 60, jax.random.key(1))
    before, after = (
        np.mean((np.asarray(network.reconstruct(one, images)) - images) ** 2)
        for one in (params, trained)
    )
    assert after < 0.7 * before


@pytest.mark.slow
def test_the_step_writes_its_tables_and_an_example():
    made = {}
    job = types.SimpleNamespace(
        profile=types.SimpleNamespace(experiment=lambda kind: SETTINGS),
        seed=0,
        save_table=made.__setitem__,
        save_array=made.__setitem__,
    )
    facts = {}
    step.run(job, facts)
    assert made["volume_example.npy"].shape == (4, 16, 16, 16)
    table, costs = made["volumes.csv"], facts["costs"]
    assert len(table) == SETTINGS.test
    assert (table > 0).all(axis=None)
    assert table[["slug_auroc", "error_auroc"]].le(1).all(axis=None)
    assert costs["volumes"]["outputs"] == 16**3
    assert costs["images"]["outputs"] == 16**2
    for cost in costs.values():
        assert min(cost["megabytes"], cost["parameters"], cost["products"]) > 0


def test_what_was_measured_of_large_images_and_networks_is_shown():
    assert list(tables.resolution().index) == [
        f"{size} x {size}" for size in (32, 64, 128, 256, 512)
    ]
    large = tables.many_parameters()["large network"]
    assert int(large["parameters"].replace(",", "")) >= 2e8
    assert float(large["most memory of the process (GB)"]) < 24
