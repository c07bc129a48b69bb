"""The profile of the paper starts and runs on a machine without a graphics card."""

import contextlib
import resource
from dataclasses import replace

import jax
import numpy as np
import pytest

from slugkit import slug, training
from slugkit.companion.profile import load_profile
from slugkit.companion.step_costs import free_memory
from slugkit.data.synthetic import generate
from slugkit.errors import InputError
from slugkit.vae import initialise

NEEDED = 12e9  # bytes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        free_memory(jax.devices()[0]) < NEEDED, reason=f"needs {NEEDED / 1e9:.0f} GB of free memory"
    ),
]


def test_a_few_steps_of_each_kind_run_within_the_memory_that_the_profile_names():
    paper, key = load_profile("paper"), jax.random.key(0)
    images = generate(
        np.resize([1, 2, 5, 6], paper.training.batch_size), paper.data.image_size, seed=0
    )
    model = initialise(paper.architecture(), seed=0)
    posterior = slug.fit(
        model.reconstruct(),
        model.params,
        images[:40],
        rank=2,
        key=key,
        max_products=2,
        batch_size=paper.curvature.batch_size,
    )
    scored = slug.score_and_variance(
        posterior, images[:40], num_samples=2, key=key, batch_size=paper.scores.batch_size
    )
    assert np.isfinite(scored.score.value).all()
    assert scored.variance.value.shape == (40, 128, 128, 3)

    losses: list[str] = []
    with contextlib.suppress(InputError):  # one step may collapse the decoder
        training.train(
            paper.architecture(),
            images,
            replace(paper.schedule(), epochs=1),
            seed=0,
            progress=lambda done, total, message: losses.append(message),
        )
    assert len(losses) == 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 < NEEDED
