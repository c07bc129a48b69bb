"""Keep the tables of a finished run in the repository, so that a clone without data shows them."""

import datetime
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from companion.config import LABORATORY, Profile, load_profile
from companion.experiments import DATASET, IN_THE_LABORATORY
from companion.experiments.baselines import records as comparison_records
from companion.experiments.objects.measure import plainest
from companion.paths import DATASETS, RunPaths
from companion.pipeline.graph import DECIDING
from companion.pipeline.recorded_runs import recorded_profiles, recorded_run
from companion.pipeline.tables import load_table, save_table
from slugkit.data.acquire.manifests import load_manifest
from slugkit.errors import InputError
from slugkit.files import atomic_path

MODEL_TABLES = ("scores.csv", "losses.csv", "eigenpairs.csv", "trace.csv")
COMPARISONS = ("comparisons.csv", "costs.csv", "comparisons.json")
MODEL_RECORDS = ("train.json", "curvature.json", "scores.json")
DIGITS = 5  # of the numbers of the benchmark
LARGEST_TABLE = 200_000  # bytes; of larger ones on objects, the usual size and contrast are kept


def record(profile: str) -> int:
    """Copy tables and provenance of a finished run to results/<profile>; return the bytes written.

    The tables of the benchmark and of the ablation are kept where the run has them. No image and
    no picture is copied. Images of a data set that may not be passed on lose their identifiers.

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
    copied += [name for name in _benchmark_files(loaded) if (source.root / name).is_file()]
    partial = target.root.with_name(f".{profile}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    for name in copied:
        (partial / name).parent.mkdir(parents=True, exist_ok=True)
        shorten = WITH_IMAGES.get(Path(name).name)
        if shorten is not None:
            found = shorten(load_table(source.root / name))
            save_table(partial / name, without_identifiers(found))
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


def has_comparisons(profile: str) -> bool:
    """Return whether a run of that profile is recorded, with its comparators."""
    if profile not in recorded_profiles():
        return False
    return recorded_run(profile)["profile"]["experiments"].get("comparisons") is not None


def compact(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of the benchmark with fewer digits, and if it is too large fewer rows.

    >>> compact(pd.DataFrame({"auroc": [0.123456789]}))["auroc"].tolist()
    [0.12346]
    """
    numbers = table.select_dtypes("float64").columns
    rounded = table.assign(
        **{name: table[name].map(lambda v: float(f"{v:.{DIGITS}g}")) for name in numbers}
    )
    if "contrast" in rounded and len(rounded.to_csv(index=False)) > LARGEST_TABLE:
        return plainest(rounded)
    return rounded


# How the tables with one row per image or more are shortened.
WITH_IMAGES: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "scores.csv": lambda table: table,
    "comparisons.csv": comparison_records.compact,
    "objects.csv": compact,
    "lesions.csv": compact,
    "score_versions.csv": compact,
}


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
    if profile.experiments.comparisons is not None:
        files += [f"seed{seed}/{DATASET}/{name}" for seed in profile.seeds for name in COMPARISONS]
    return files + [f"notebooks/{name}.json" for name in DECIDING]


def _benchmark_files(profile: Profile) -> list[str]:
    files = [
        f"seed{seed}/{DATASET}/{name}" for seed in profile.seeds for name in ("objects", "lesions")
    ]
    if profile.experiments.ablation is not None:
        files += [
            f"{LABORATORY}/seed{seed}/{DATASET}/{name}"
            for seed in profile.experiments.ablation.seeds
            for name in IN_THE_LABORATORY
        ]
    return [f"{name}.{ending}" for name in files for ending in ("csv", "json")]
