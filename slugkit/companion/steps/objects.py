"""Lay foreign objects over unseen images and measure how well they are found."""

import jax

from slugkit import slug, training
from slugkit.companion.experiments import DATASET
from slugkit.companion.experiments.objects import measure, observer
from slugkit.companion.paths import RunPaths
from slugkit.companion.profile import Profile
from slugkit.companion.provenance import recorded
from slugkit.companion.tables import load_array, load_table, save_table
from slugkit.errors import InputError
from slugkit.progress import Progress


def run(profile: Profile, seed: int) -> None:
    """Write objects.csv beside the network of data set B; see `experiments.objects.measure`.

    Raises
    ------
    InputError
        The profile has no settings for it.
    """
    settings = profile.experiments.objects
    if settings is None:
        raise InputError(
            f"profile {profile.name!r} has no experiments.objects: write one, as in "
            "profiles/quick.yml"
        )
    paths = RunPaths(profile.name)
    data, folder = paths.prepared(seed), paths.trained(DATASET, seed)
    inputs = [data / "test.npy", data / "test.csv"]
    inputs += [folder / "model.msgpack", folder / "posterior.npz"]
    output = folder / "objects.csv"
    with recorded(
        folder / "objects.json",
        profile,
        step="objects",
        inputs=inputs,
        outputs=[output],
        dataset=DATASET,
        seed=seed,
    ):
        tests = load_table(data / "test.csv")
        clean = (tests["set"] == "clean").to_numpy()
        chosen = tests[clean].head(settings.images)
        model = training.load_model(folder / "model.msgpack", profile.architecture())
        measured = measure(
            observer(
                model,
                slug.load(folder / "posterior.npz", model.reconstruct(), model.params),
                num_samples=settings.num_samples,
                key=jax.random.key(seed),
                batch_size=profile.scores.batch_size,
            ),
            load_array(data / "test.npy")[clean][: settings.images],
            list(chosen["image_id"]),
            kinds=settings.kinds,
            scales=settings.scales,
            contrasts=settings.contrasts,
            seed=seed,
            progress=Progress(f"objects, seed {seed}: setting"),
        )
        save_table(output, measured.merge(chosen[["image_id", "source"]], on="image_id"))
