"""What benchmarks/torch_models.py found, where PyTorch is installed."""

import json
from typing import Any

import pandas as pd

from companion.paths import project_root


def torch_models() -> dict[str, Any]:
    """Return the recorded measurement."""
    path = project_root() / "benchmarks" / "results" / "torch-models.json"
    return json.loads(path.read_text(encoding="utf-8"))


def torch_table(recorded: dict[str, Any]) -> pd.DataFrame:
    """Return a row per model, with the seconds of a processor."""
    rows = {
        name: {
            "parameters": f"{found['parameters']:,}",
            "outputs of an image": " x ".join(map(str, found["map"][1:])),
            "largest difference to PyTorch": f"{found['difference']:.0e}",
            "check (s)": f"{found['check_seconds']:.1f}",
            "whole fit (s)": f"{found['fit_seconds']:.1f}",
            "maps of 2 images (s)": f"{found['map_seconds']:.1f}",
        }
        for name, found in recorded["models"].items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")
