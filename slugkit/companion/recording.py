"""Keep the tables of a finished run in the repository, so that a clone without data shows them."""

import datetime
import json
import shutil

import pandas as pd

from slugkit.companion.paths import DATASETS, RunPaths
from slugkit.companion.profile import Profile, load_profile
from slugkit.companion.tables import load_table, save_table
from slugkit.data.manifests import load_manifest
from slugkit.errors import InputError
from slugkit.files import atomic_path

# The notebooks whose claims are kept.
DECIDING = ("fig1", "fig2", "fig3", "fig4", "estimators", "sketch")
MODEL_TABLES = ("scores.csv", "losses.csv", "eigenpairs.csv", "trace.csv")
MODEL_RECORDS = ("train.json", "curvature.json", "scores.json")


def recorded_profiles() -> list[str]:
    """Return the names of the profiles of which a run is recorded."""
    folder = RunPaths("", "results").root
    return sorted(path.parent.name for path in folder.glob("*/run.json"))


def record(profile: str) -> int:
    """Copy tables and provenance of a finished run to results/<profile>; return the bytes written.

    No image and no picture is copied. Images of a data set that may not be passed on lose their
    identifiers.

    Raises
    ------
    InputError
        The profile is unknown, or its run is not finished.
    """
    loaded = load_profile(profile)
    source, target = RunPaths(profile), RunPaths(profile, "results")
    copied = _files(loaded)
    missing = [name for name in copied if not (source.root / name).is_file()]
    if missing:
        raise InputError(
            f"the run of profile {profile!r} is not finished: {missing[0]} is missing; run "
            f"`make book PROFILE={profile}` first"
        )
    partial = target.root.with_name(f".{profile}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    for name in copied:
        (partial / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("scores.csv"):
            save_table(partial / name, without_identifiers(load_table(source.root / name)))
        else:
            shutil.copyfile(source.root / name, partial / name)
    first = json.loads((source.trained(DATASETS[0], loaded.seeds[0]) / "scores.json").read_text())
    timing = source.root / "timing.json"
    with atomic_path(partial / "run.json") as file:
        content = {
            "profile": loaded.model_dump(mode="json"),
            "data_sets": loaded.data.sources(),
            "finished": datetime.datetime.fromtimestamp(
                (source.root / "notebooks" / "fig4.json").stat().st_mtime, datetime.UTC
            ).isoformat(timespec="seconds"),
            "timing": json.loads(timing.read_text()) if timing.is_file() else None,
            **{
                name: first[name]
                for name in ("profile_digest", "commit", "dirty", "hardware", "packages")
            },
        }
        file.write_text(json.dumps(content, indent=1) + "\n")
    shutil.rmtree(target.root, ignore_errors=True)
    partial.rename(target.root)
    return sum(path.stat().st_size for path in target.root.rglob("*") if path.is_file())


def recorded_run(profile: str) -> dict:
    """Return what is known about a recorded run: profile, data sets, date, hardware, commit."""
    return json.loads((RunPaths(profile, "results").root / "run.json").read_text())


def without_identifiers(table: pd.DataFrame) -> pd.DataFrame:
    """Replace the identifiers of images that may not be passed on, and where their files lie."""
    kept = table.drop(columns=["file"], errors="ignore")
    private = kept["source"].map(_is_private)
    names = {name: f"image{k:05}" for k, name in enumerate(sorted(set(kept["image_id"])))}
    for column in ("image_id", "group", "pair"):
        if column in kept:
            hidden = kept[column].map(lambda name: names.get(name, "hidden") if name else name)
            kept[column] = kept[column].where(~private, hidden)
    return kept


def _is_private(source: str) -> bool:
    return source != "synthetic" and load_manifest(source).sharing.allowed is not True


def _files(profile: Profile) -> list[str]:
    models = [f"seed{seed}/{dataset}" for seed in profile.seeds for dataset in DATASETS]
    files = [f"{model}/{name}" for model in models for name in (*MODEL_TABLES, *MODEL_RECORDS)]
    files += [f"seed{seed}/data/prepare.json" for seed in profile.seeds]
    return files + [f"notebooks/{name}.json" for name in DECIDING]
