"""Lay foreign objects over unseen images and measure how well they are found."""

import jax

from companion.config import Profile
from companion.experiments import DATASET
from companion.experiments.data.step import OBJECT_POOL, OBJECT_SKIN_TYPE
from companion.experiments.objects import lesions
from companion.experiments.objects.measure import measure
from companion.experiments.objects.observer import observer
from companion.paths import RunPaths, data_root
from companion.pipeline.provenance import recorded
from companion.pipeline.tables import load_array, load_table, save_table
from slugkit import slug
from slugkit.data.lesion_images import Lesions, outlined_lesions, synthetic_lesions
from slugkit.errors import InputError
from slugkit.model import training
from slugkit.progress import Progress


def run(profile: Profile, seed: int) -> None:
    """Write objects.csv and lesions.csv beside the network of data set B.

    See `experiments.objects.measure` and `experiments.lesions.measure`; without images whose lesion
    is known, the second table has no rows.

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
    outputs = [folder / "objects.csv", folder / "lesions.csv"]
    with recorded(
        folder / "objects.json",
        profile,
        step="objects",
        inputs=inputs,
        outputs=outputs,
        dataset=DATASET,
        seed=seed,
    ) as facts:
        tests = load_table(data / "test.csv")
        clean = (tests["set"] == "clean").to_numpy()
        chosen = tests[clean].head(settings.images)
        model = training.load_model(folder / "model.msgpack", profile.architecture())
        observe = observer(
            model,
            slug.load(folder / "posterior.npz", model.reconstruct(), model.params),
            num_samples=settings.num_samples,
            key=jax.random.key(seed),
            batch_size=profile.scores.batch_size,
        )
        measured = measure(
            observe,
            load_array(data / "test.npy")[clean][: settings.images],
            list(chosen["image_id"]),
            kinds=settings.kinds,
            scales=settings.scales,
            contrasts=settings.contrasts,
            seed=seed,
            progress=Progress(f"objects, seed {seed}: setting"),
        )
        save_table(outputs[0], measured.merge(chosen[["image_id", "source"]], on="image_id"))
        identifiers, images, masks = _with_lesions(profile, settings.lesions, seed)
        facts["images_with_lesions"] = len(identifiers)
        beside = lesions.measure(
            observe,
            images,
            masks,
            identifiers,
            kinds=settings.kinds if identifiers else (),
            seed=seed,
            progress=Progress(f"lesions, seed {seed}: kind"),
        )
        save_table(outputs[1], beside.assign(source=profile.data.objects.source))


def _with_lesions(profile: Profile, count: int, seed: int) -> Lesions:
    size = profile.data.image_size
    if profile.data.objects.source == "isic2017":
        return outlined_lesions(data_root(), count, size, seed)
    # The generator's images that objects are laid over; other data sets have no outlines here.
    if profile.data.objects.source != "synthetic":
        count = 0
    return synthetic_lesions(count, size, OBJECT_POOL, OBJECT_SKIN_TYPE)
