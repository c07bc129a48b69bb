"""Compile once: what one job compiled is found by those after it, and by later runs."""

import hashlib
import os
import platform
import warnings
import zlib
from pathlib import Path

from companion.paths import project_root

LARGEST = 1_000_000_000  # bytes of one machine's programs
# What tells the instructions of a processor in /proc/cpuinfo, on x86 and on ARM.
_INSTRUCTIONS = {"vendor_id", "cpu family", "model", "flags", "CPU part", "Features"}
# JAX compiles anew what it cannot read, and goes on where it cannot write. It warns of both, and
# whatever a notebook prints to standard error would fail its page.
_HARMLESS = (
    "Error reading persistent compilation cache entry",
    "Error writing persistent compilation cache entry",
)


def keep_compiled() -> None:
    """Let JAX keep what this process and those that it starts compile, and find it again.

    It must be called before JAX is imported. What the environment says already stands.
    """
    settings = {
        "JAX_COMPILATION_CACHE_DIR": str(_folder() / _machine()),
        # Half of the time goes to hundreds of small programs.
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        # Others would tie the programs to the place of the folder.
        "JAX_PERSISTENT_CACHE_ENABLE_XLA_CACHES": "none",
    }
    for name, value in settings.items():
        os.environ.setdefault(name, value)
    for message in _HARMLESS:
        warnings.filterwarnings("ignore", message, UserWarning)
    ignored = [f"ignore:{message}:UserWarning" for message in _HARMLESS]
    said = [os.environ["PYTHONWARNINGS"]] if os.environ.get("PYTHONWARNINGS") else []
    os.environ["PYTHONWARNINGS"] = ",".join([*said, *ignored])


def tidy() -> None:
    """Remove what a killed job left half written, and all that one machine kept if it is too much.

    JAX writes in place, never overwrites, and drops nothing that an edit has made useless.
    """
    for machine in _folder().glob("*"):
        kept = list(machine.glob("*-cache"))
        excess = sum(entry.stat().st_size for entry in kept) > LARGEST
        for entry in kept:
            if excess or not _is_whole(entry):
                entry.unlink()


def _is_whole(entry: Path) -> bool:
    try:
        zlib.decompress(entry.read_bytes())  # which holds a checksum
    except zlib.error:
        return False
    return True


def _folder() -> Path:
    return project_root() / "runs" / "compiled"


def _machine() -> str:
    """Return a name for what the compiler looks at beside the program.

    A folder may be seen by several machines, and the number of threads is not in JAX's key.
    """
    try:
        first = Path("/proc/cpuinfo").read_text().partition("\n\n")[0].splitlines()
        found = [line for line in first if line.partition(":")[0].strip() in _INSTRUCTIONS]
    except OSError:
        found = [platform.machine(), platform.processor()]
    threads = os.environ.get("NPROC") or len(os.sched_getaffinity(0))
    text = "\n".join([*found, f"{threads} threads"])
    return hashlib.sha256(text.encode()).hexdigest()[:12]
