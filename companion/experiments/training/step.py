"""Train the VAE on one of the data sets A, B and C."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from companion.experiments.training.perceptual_weights import perceptual_loss
from slugkit.model import training
from slugkit.model.vae import num_parameters
from slugkit.progress import Progress

if TYPE_CHECKING:
    from companion.pipeline.jobs import Job


def run(job: "Job", facts: dict[str, Any]) -> None:
    """Write model.msgpack and losses.csv; continue from a checkpoint if it is there."""
    profile, images = job.profile, job.read_array(f"data/train_{job.dataset}.npy")
    with job.checkpoint("checkpoint.msgpack") as checkpoint:
        model, losses = training.train(
            profile.architecture(),
            images,
            profile.schedule(),
            seed=job.seed,
            perceptual_loss=perceptual_loss(profile.training.perceptual_weight, facts),
            checkpoint=checkpoint,
            progress=Progress(f"train {job.dataset}, seed {job.seed}: epoch"),
        )
        training.save_model(job.file("model.msgpack"), model)
        epochs = range(1, len(losses) + 1)
        job.save_table("losses.csv", pd.DataFrame({"epoch": epochs, "negative_elbo": losses}))
    facts["num_parameters"] = num_parameters(model.params)
    facts["num_images"] = len(images)
