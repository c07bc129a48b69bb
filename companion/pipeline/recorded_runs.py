"""Which runs are recorded in results/, and what is known about each."""

import json

from companion.paths import RunPaths

# What is known about a whole run, or about the networks of the mixed set where no more was made.
WHOLE_RUN, NETWORKS = "run.json", "networks.json"


def recorded_profiles(about: str = WHOLE_RUN) -> list[str]:
    """Return the names of the profiles of which a run is recorded."""
    folder = RunPaths("", "results").root
    return sorted(path.parent.name for path in folder.glob(f"*/{about}"))


def recorded_run(profile: str, about: str = WHOLE_RUN) -> dict:
    """Return what is known about a recorded run: profile, data sets, date, machines, commits."""
    return json.loads((RunPaths(profile, "results").root / about).read_text(encoding="utf-8"))
