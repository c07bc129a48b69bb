"""The profile of the paper starts and runs on a machine without a graphics card."""

import subprocess
import sys

import pytest

from companion.pipeline.plan import free_memory

# Each kind of step in a process of its own, as in the graph.
COMMON = """
import contextlib, resource
from dataclasses import replace
import jax
import numpy as np
from slugkit import slug
from slugkit.model import training
from companion.profiles import load_profile
from slugkit.data.synthesis.synthetic import generate
from slugkit.errors import InputError
from slugkit.model.vae import initialise

paper, key = load_profile("paper"), jax.random.key(0)
images = generate(np.resize([1, 2, 5, 6], paper.training.batch_size), paper.data.image_size, 0)
model = initialise(paper.architecture(), seed=0)
"""
FIT_AND_SCORE = """
posterior = slug.fit(
    model.reconstruct(), model.params, images[:40], rank=2, key=key,
    solver=slug.Lanczos(max_products=2),
    batch_size=paper.curvature.batch_size,
)
made = slug.score_and_variance(
    posterior, images[:40], num_samples=2, key=key, batch_size=paper.scores.batch_size
)
assert np.isfinite(made.score.value).all() and made.variance.value.shape == images[:40].shape
"""
TRAIN = """
losses = []
with contextlib.suppress(InputError):  # one step may collapse the decoder
    training.train(
        paper.architecture(), images, replace(paper.schedule(), epochs=1), seed=0,
        progress=lambda done, total, message: losses.append(message),
    )
assert len(losses) == 1
"""
PEAK = "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)"


@pytest.mark.slow
@pytest.mark.parametrize(("part", "gigabytes"), [(FIT_AND_SCORE, 11), (TRAIN, 11)])
def test_a_few_steps_run_within_the_memory_that_the_plan_names(part, gigabytes):
    if free_memory() < gigabytes * 1e9:
        pytest.skip(f"needs {gigabytes} GB of free memory")
    done = subprocess.run(
        [sys.executable, "-c", COMMON + part + PEAK], text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.splitlines()[-1]) < gigabytes * 1e9
