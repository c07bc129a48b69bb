"""Which runs are recorded in results/, and what is known about each."""

import json

from companion.paths import RunPaths


def recorded_profiles() -> list[str]:
    """Return the names of the profiles of which a run is recorded."""
    folder = RunPaths("", "results").root
    return sorted(path.parent.name for path in folder.glob("*/run.json"))


def recorded_run(profile: str) -> dict:
    """Return what is known about a recorded run: profile, data sets, date, machines, commits."""
    return json.loads((RunPaths(profile, "results").root / "run.json").read_text(encoding="utf-8"))
