"""Train the VAE on one of the data sets A, B and C."""

import pandas as pd

from companion.config import Profile
from companion.paths import RunPaths, data_root
from companion.pipeline.provenance import recorded
from companion.pipeline.tables import load_array, save_table
from slugkit.model import perceptual, training
from slugkit.model.vae import num_parameters
from slugkit.progress import Progress


def run(profile: Profile, dataset: str, seed: int) -> None:
    """Write model.msgpack and losses.csv; continue from checkpoint.msgpack if it is there."""
    paths = RunPaths(profile.name)
    source = paths.prepared(seed) / f"train_{dataset}.npy"
    folder = paths.trained(dataset, seed)
    model_file, losses_file = folder / "model.msgpack", folder / "losses.csv"
    # The digest in the name keeps a checkpoint from being continued under other settings.
    checkpoint = folder / f"checkpoint-{profile.digest('data', 'model', 'training')}.msgpack"
    with recorded(
        folder / "train.json",
        profile,
        step="train",
        inputs=[source],
        outputs=[model_file, losses_file],
        dataset=dataset,
        seed=seed,
    ) as facts:
        images = load_array(source)
        model, losses = training.train(
            profile.architecture(),
            images,
            profile.schedule(),
            seed=seed,
            perceptual_loss=perceptual_loss(profile.training.perceptual_weight, facts),
            checkpoint=checkpoint,
            progress=Progress(f"train {dataset}, seed {seed}: epoch"),
        )
        training.save_model(model_file, model)
        epochs = range(1, len(losses) + 1)
        save_table(losses_file, pd.DataFrame({"epoch": epochs, "negative_elbo": losses}))
        facts["num_parameters"] = num_parameters(model.params)
        facts["num_images"] = len(images)
    checkpoint.unlink(missing_ok=True)


def perceptual_loss(weight: float, facts: dict) -> training.PerceptualLoss | None:
    """Return the loss of that weight, if it has any and VGG-19 is there, and note it as a fact."""
    if not weight:
        facts["perceptual_loss"] = "not used: its weight is 0 in this profile"
        return None
    path = perceptual.find_weights(data_root())
    if path is None:
        # Said on the page of the training, which shows this sentence.
        facts["perceptual_loss"] = f"NOT USED: no VGG-19 weights under {data_root()}"
        return None
    facts["perceptual_loss"] = f"weight {weight:g}, {path.name}"
    return perceptual.perceptual_loss(perceptual.features(perceptual.load_weights(path)), weight)
