"""Several devices give what one gives: each case runs in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

# Each number of devices compiles everything anew.
pytestmark = pytest.mark.slow

SCRIPT = """
import json, tempfile
import jax
import numpy as np
from small_model import KEY, apply, make_images, make_params
from slugkit import slug
from slugkit.model.architecture import Architecture
from slugkit.model.training import Schedule, train
from slugkit.operators.batches import batches, split
from slugkit.operators.jacobian import lineariser
from slugkit.streaming import score_stream

params, images = make_params(), make_images(11)
posterior = slug.fit(apply, params, images, rank=4, key=KEY, batch_size=4,
                     solver=slug.Lanczos(num_extra=2))
result = {"devices": len(jax.devices()), "eigenvalues": posterior.eigenvalues.tolist()}
placed = lineariser(apply, posterior.parameters)(next(batches(images, 4)).images)[0]
result["shards"] = len(placed.sharding.device_set)
for name in ("pushforward", "deflated"):
    both = slug.score_and_variance(
        posterior, images[:7], num_samples=12, key=KEY, batch_size=4, estimator=name
    )
    result[name] = [both.score.value.tolist(), both.variance.value.ravel().tolist()]
score = slug.score(posterior, images[:7], num_samples=12, key=KEY, batch_size=4)
maps = slug.pixel_variance(posterior, images[:7], num_samples=12, key=KEY, batch_size=4)
result["score"], result["maps"] = [score.value.tolist()], [maps.value.ravel().tolist()]
with tempfile.TemporaryDirectory() as folder:
    path = score_stream(
        posterior, images, folder + "/scores.csv", num_samples=12, key=KEY, batch_size=4
    )
    result["stream"] = [np.loadtxt(path, delimiter=",", skiprows=1)[:, 1].tolist()]
architecture = Architecture(8, (4, 6), "spatial", 2, 0.05)
colours = np.random.default_rng(0).random((14, 1, 1, 3), dtype=np.float32)
coloured = np.tile(colours, (1, 8, 8, 1))
result["split"] = [len(split(coloured[:size]).sharding.device_set) for size in (6, 7)]
for size in (6, 7):
    weights, losses = train(architecture, coloured, Schedule(12, size, 1e-2), seed=0)
    result[f"losses {size}"] = losses.tolist()
print(json.dumps(result))
"""


def run(devices):
    flag = "--xla_force_host_platform_device_count"
    environment = {
        **os.environ,
        "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {flag}={devices}",
        "PYTHONPATH": str(Path(__file__).parent),
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def one():
    return run(1)


@pytest.mark.parametrize("devices", [2, 3])
def test_fit_scores_maps_and_training_do_not_depend_on_the_number_of_devices(one, devices):
    several = run(devices)
    assert (one["devices"], several["devices"]) == (1, devices)
    assert (one["shards"], several["shards"]) == (1, devices)
    assert several["split"] == [devices, 1]
    np.testing.assert_allclose(several["eigenvalues"], one["eigenvalues"], rtol=1e-4)
    for name in ("pushforward", "deflated", "score", "maps", "stream"):
        for made, expected in zip(several[name], one[name], strict=True):
            np.testing.assert_allclose(made, expected, rtol=2e-3, atol=1e-6)
    for name in ("losses 6", "losses 7"):  # seven images stay on one device
        np.testing.assert_allclose(several[name], one[name], rtol=1e-4)
