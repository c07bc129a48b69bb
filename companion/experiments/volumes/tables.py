"""The tables of the pages on volumes and on resolution."""

import json
from typing import Any

import pandas as pd

from companion.paths import project_root
from companion.run import Run


def detections(volumes: pd.DataFrame) -> pd.DataFrame:
    """Return what the map of variances and the squared error find of the needles."""
    rows = {
        "AUROC of the needle's voxels by the map": volumes["slug_auroc"].mean(),
        "the same by the squared error": volumes["error_auroc"].mean(),
        "share of volumes whose score rises with the needle": (
            volumes["slug"] > volumes["slug_clean"]
        ).mean(),
        "the same of the squared error": (volumes["mse"] > volumes["mse_clean"]).mean(),
    }
    return pd.DataFrame({f"{len(volumes)} volumes": rows}).map("{:.2f}".format)


def costs(run: Run) -> pd.DataFrame:
    """Return the costs of volumes and of images with as many outputs, and their ratio."""
    table = pd.DataFrame(run.records("volumes")[0]["costs"])
    table["volumes over images"] = table["volumes"] / table["images"]
    return table.map(lambda value: f"{value:,.0f}" if value >= 100 else f"{value:.2g}").rename(
        {
            "products": "products of the fit",
            "fit_seconds": "fit with compilation (s)",
            "map_seconds": "map of one (s)",
            "megabytes": "linearised model of one (MB)",
        }
    )


def resolution() -> pd.DataFrame:
    """Return what benchmarks/resolution.py found, a row per size."""
    rows = {}
    for size, found in _benchmark("resolution")["sizes"].items():
        made = found["estimates"]
        rows[f"{size} x {size}"] = {
            "outputs": f"{found['outputs']:,}",
            "score (s)": f"{made['score by krylov']['seconds']:.2g}",
            "stated error": f"{made['score by krylov']['error']:.1%}",
            "score as in the paper (s)": f"{made['score by hutchinson']['seconds']:.2g}",
            "its stated error": f"{made['score by hutchinson']['error']:.1%}",
            "map (s)": f"{made['krylov']['seconds']:.2g}",
            "error of the map": f"{made['krylov']['error']:.0%}",
            "map by Bekas (s)": f"{made['bekas']['seconds']:.2g}",
            "error by Bekas": f"{made['bekas']['error']:.0%}",
            "memory (MB)": f"{found['megabytes']:.0f}",
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("pixels")


def many_parameters() -> pd.DataFrame:
    """Return what benchmarks/large.py found."""
    found = _benchmark("large")
    errors = found["relative_standard_error"]
    rows = {
        "parameters": f"{found['parameters']:,}",
        "directions": found["rank"],
        "numbers kept of each direction": found["sketch_size"],
        f"fit to {found['train_images']} images (s)": f"{found['seconds_of_fit']:,.0f}",
        f"score of one, {found['samples']} samples (s)": (
            f"{found['seconds_of_score_per_image']:.0f}"
        ),
        "stated error of the scores": f"{min(errors):.1%} to {max(errors):.1%}",
        "of which the sketch alone": f"{found['relative_error_of_the_sketch']:.1%}",
        "most memory of the process (GB)": f"{found['gigabytes']:.1f}",
    }
    return pd.DataFrame({"large network": rows})


def _benchmark(name: str) -> dict[str, Any]:
    path = project_root() / "benchmarks" / "results" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))
