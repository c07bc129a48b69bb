r"""Split the score by layer: what each layer's weights alone would move.

.. math:: \mathrm{SLUG}_l(x) = \mathrm{Tr}(J_l(x) \, \Sigma_{ll} \, J_l(x)^T)
          = E |J(x) \, (w \text{ with all but layer } l \text{ set to zero})|^2,
          \qquad w \sim N(0, \Sigma)

The layers' scores do not add up to SLUG where the eigenvectors that are taken out join layers.
"""

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd

from companion.experiments.layers.settings import Layers
from companion.statistics.summaries import GROUPS
from slugkit import slug
from slugkit.linalg.random import normals, seed_from
from slugkit.model import training
from slugkit.operators.batches import batches, evaluate
from slugkit.operators.jacobian import lineariser, push
from slugkit.operators.parameters import FlatParameters
from slugkit.progress import Progress

if TYPE_CHECKING:
    from companion.pipeline.jobs import Job

WHOLE = "whole network"


def run(job: "Job", facts: dict[str, Any]) -> None:
    """Write layers.csv, one row per image and layer.

    `score` is SLUG of that layer alone, and that of the whole network beside; `norm` is the squared
    norm of the latent mean, |mu|^2, which the first layer of the decoder multiplies.
    """
    settings = job.profile.experiment(Layers)
    model = training.load_model(job.file("model.msgpack"), job.profile.architecture())
    posterior = slug.load(job.file("posterior.npz"), model.reconstruct(), model.params)
    assert isinstance(posterior, slug.Posterior)
    tests = job.read_table("data/test.csv")
    chosen = tests[tests["set"].isin(GROUPS)].groupby("set").head(settings.images)
    images = job.read_images("data/test.npy", "data/test.csv")[chosen["image_id"]]
    parameters, batch_size = posterior.parameters, job.profile.scores.batch_size
    directions = posterior.sqrt_covariance_product(
        normals(
            seed_from(jax.random.key(job.seed)),
            range(settings.num_samples),
            parameters.size,
            parameters.dtype,
        )
    )
    mean, _ = evaluate(model.encode(), model.params, images, batch_size)
    norm = np.sum(mean.reshape(len(mean), -1) ** 2, axis=1)
    masks = {WHOLE: np.ones(parameters.size, bool), **layer_masks(parameters)}
    progress = Progress(f"layers, seed {job.seed}: layer")
    linearise = lineariser(posterior.apply, parameters)
    parts = [(batch, linearise(batch.images)[1]) for batch in batches(images, batch_size)]
    rows = []
    for number, (layer, mask) in enumerate(masks.items(), start=1):
        moved = np.where(mask, directions, 0).astype(directions.dtype)
        score = np.concatenate([_score(jvp, moved)[: batch.size] for batch, jvp in parts])
        size = int(mask.sum())
        kept = chosen[["image_id", "source", "group", "set"]]
        rows.append(kept.assign(layer=layer, parameters=size, score=score, norm=norm))
        progress(number, len(masks), layer)
    job.save_table("layers.csv", pd.concat(rows, ignore_index=True))


def layer_masks(parameters: FlatParameters) -> dict[str, np.ndarray]:
    """Return, for each layer, which of the parameters (p,) are its own.

    A layer is what the first two or three parts of a parameter's path name: a residual block counts
    as one.
    """
    masks: dict[str, np.ndarray] = {}
    start = 0
    for place in parameters.selected:
        name, size = parameters.names[place], int(np.prod(parameters.layout.shapes[place]))
        parts = name.split("/")
        layer = "/".join(parts[: 3 if parts[1] == "path" else 2])
        mask = masks.setdefault(layer, np.zeros(parameters.size, bool))
        mask[start : start + size] = True
        start += size
    return masks


def _score(jvp: Any, directions: np.ndarray) -> np.ndarray:
    total: Any = 0.0
    for direction in directions:
        pushed = push(jvp, jnp.asarray(direction))
        total = total + jnp.sum(pushed**2, axis=tuple(range(1, pushed.ndim)))
    return np.asarray(total) / len(directions)
