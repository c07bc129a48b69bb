"""What made a result: commit, profile, seed, packages, hardware, duration, inputs and outputs."""

import contextlib
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from companion.config import Profile
from companion.paths import project_root
from slugkit.files import atomic_path, sha256

PACKAGES = ("slugkit", "jax", "jaxlib", "flax", "optax", "numpy", "scipy", "pandas", "matplotlib")


def commit() -> dict[str, Any]:
    """Return the checkout's commit and whether it holds changes that are not committed."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments],
            cwd=project_root(),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=True,
        ).stdout.strip()

    try:
        return {"commit": git("rev-parse", "HEAD"), "dirty": bool(git("status", "--porcelain"))}
    except (OSError, subprocess.CalledProcessError):
        return {"commit": "unknown (not a git checkout)", "dirty": True}


def hardware() -> dict[str, Any]:
    """Return what the numbers were computed on."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        **_accelerator(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def machine(found: Mapping[str, Any]) -> str:
    """Return in words what `hardware` found.

    >>> machine({"processor": "EPYC", "cores": 16, "accelerator": "H100"})
    'H100, EPYC, 16 cores'
    """
    names = [found["accelerator"]] if "accelerator" in found else []
    return ", ".join([*names, found["processor"], f"{found['cores']} cores"])


def _accelerator() -> dict[str, str]:
    # Asked for only where JAX is in use anyway: importing it takes seconds.
    if "jax" not in sys.modules:
        return {}
    device = sys.modules["jax"].devices()[0]
    return {} if device.platform == "cpu" else {"accelerator": device.device_kind}


def interpreter() -> str:
    """Return the path of this interpreter, relative to the checkout if it is inside."""
    path, root = Path(sys.executable), project_root()
    return str(path.relative_to(root) if path.is_relative_to(root) else path)


def versions() -> dict[str, str]:
    """Return the version of each package that the numbers depend on."""
    return {name: metadata.version(name) for name in PACKAGES}


def all_versions(found: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return each package with all the versions that were used, in the order of their use.

    >>> all_versions([{"jax": "0.10.2"}, {"jax": "0.11.2"}, {"jax": "0.10.2"}])
    {'jax': '0.10.2, 0.11.2'}
    """
    used: dict[str, dict[str, None]] = {}
    for one in found:
        for name, version in one.items():
            used.setdefault(name, {})[version] = None
    return {name: ", ".join(known) for name, known in used.items()}


def processor_seconds() -> float:
    """Return the processor time of this process from its start, and of those that it waited for."""
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


_in_records = 0.0  # processor seconds of this process that stand in a record already


def _not_yet_recorded() -> float:
    # The time before a block, mostly imports, belongs to the job; a job may write several records.
    global _in_records
    before, _in_records = _in_records, processor_seconds()
    return _in_records - before


@contextlib.contextmanager
def recorded(
    path: Path,
    profile: Profile,
    *,
    step: str,
    inputs: Iterable[Path] = (),
    outputs: Iterable[Path] = (),
    **facts: Any,
) -> Iterator[dict[str, Any]]:
    """Time the block and write its record to `path`, last of all, so that it marks the end.

    The duration is that of the block. The processor time is that of the job, with its imports, up
    to here or from its record before.

    Parameters
    ----------
    path
        Where the record goes, a JSON file.
    step
        What the block does, such as "train".
    inputs, outputs
        Files whose digests belong into the record.
    facts
        Additional entries, such as the seed; the block may add more to what it is given.
    """
    root = project_root()
    record: dict[str, Any] = {
        "step": step,
        "profile": profile.name,
        "profile_digest": profile.digest(),
        **facts,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        **commit(),
        "packages": versions(),
        "hardware": hardware(),
        "inputs": {os.path.relpath(file, root): sha256(file) for file in inputs},
    }
    start = time.monotonic()
    yield record
    record["duration_seconds"] = round(time.monotonic() - start, 3)
    record["processor_seconds"] = round(_not_yet_recorded(), 3)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    record["peak_memory_megabytes"] = round(peak / 1024)
    record["finished"] = datetime.now(UTC).isoformat(timespec="seconds")
    record["outputs"] = {os.path.relpath(file, root): sha256(file) for file in outputs}
    with atomic_path(path) as partial:
        partial.write_text(json.dumps(record, indent=1) + "\n")
