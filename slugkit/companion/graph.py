"""The graph from images to the book: Snakemake, started the same way from everywhere."""

import contextlib
import fcntl
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from slugkit.companion import compilation
from slugkit.companion.graph_log import worth_showing
from slugkit.companion.paths import data_root, project_root
from slugkit.errors import InputError

# Which step each notebook's numbers come from; the order is the book's.
NOTEBOOKS = {
    "data": "prepare",
    "train": "train",
    "curvature": "curvature",
    "estimators": "estimators",
    "sketch": "sketch",
    "fig1": "scores",
    "fig2": "scores",
    "fig3": "scores",
    "fig4": "scores",
    "comparisons": "comparisons",
    "foreign_objects": "objects",
    "ablation": "ablation",
    "explorer": "scores",
    "your_own_vae": "prepare",
    "claims": "claims",
    "recorded": "recorded",
    "status": "status",
}

# XLA gets its buffers anew for each call. By default glibc gives large ones back to the system,
# which hands them out again page by page: a fifth of the time of a training step at 64 pixels.
# These keep them, in large pages. What the caller has set stays; other C libraries know none of it.
KEEP_MEMORY = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TOP_PAD_": str(1 << 28),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 40),
}

# The notebooks that decide a claim.
DECIDING = ("fig1", "fig2", "fig3", "fig4", "estimators", "sketch", "foreign_objects")

# Set for everything that the graph starts, so that a notebook does not start it again.
_INSIDE = "SLUGKIT_INSIDE_GRAPH"


def inside_graph() -> bool:
    """Return whether the graph itself started this process."""
    return _INSIDE in os.environ


def make(
    profile: str,
    target: str,
    *,
    cores: int | None = None,
    cluster: str | None = None,
    dry_run: bool = False,
) -> str:
    """Bring `target` up to date, and whatever it depends on; return what Snakemake printed.

    Parameters
    ----------
    profile
        Name of a profile.
    target
        A rule of the Snakefile: "book", "notebooks", or "<step>_all", such as "scores_all".
    cores
        How many jobs may run side by side; all cores by default. A job computes on one core, so
        that its numbers do not depend on how many there are.
    cluster
        A folder with a Snakemake workflow profile, such as profiles/slurm, that says how jobs are
        submitted to a cluster; by default they run here.
    dry_run
        Only find out what would be done; nothing is printed.

    Raises
    ------
    InputError
        A step failed; the message repeats the step's own. Or there is no such cluster profile.
    """
    root = project_root()
    command = [sys.executable, "-m", "snakemake", target, "--snakefile", str(root / "Snakefile")]
    command += ["--directory", str(root), "--config", f"profile={profile}"]
    command += _where(cores, cluster)
    # The lock below replaces Snakemake's, which outlives a killed run. Nothing is left half
    # written, but what a killed run had begun is begun again.
    command += ["--nolock", "--rerun-incomplete", "--quiet", "host"]
    # A file that was written again with the same bytes is no reason to run anything again.
    command += ["--max-checksum-file-size", "1000000000"]
    if target in ("book", "notebooks"):
        # The page that a reader wants first, and what it waits for; see the priorities of the
        # rules. Snakemake makes what it prioritises, so another target does not name it.
        command += ["--prioritize", f"runs/{profile}/notebooks/fig4.ipynb"]
    command += ["--dry-run"] if dry_run else []
    environment = {
        **KEEP_MEMORY,
        **os.environ,
        _INSIDE: "1",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "NPROC": "1",
        "OMP_NUM_THREADS": "1",
        # Another backend, which servers often name, would leave notebooks without their figures.
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONUNBUFFERED": "1",
        "SLUGKIT_DATA": str(data_root().resolve()),
    }
    lines = []
    with _only_one(root / "runs" / ".lock"):
        # What a killed run was writing has no use: whoever goes on begins the file anew.
        for remnant in (root / "runs").rglob(".*.partial*"):
            remnant.unlink(missing_ok=True)
        if not dry_run:
            compilation.tidy()
        process = subprocess.Popen(
            command,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if not dry_run and worth_showing(line):
                print(line, end="", flush=True)
        status = process.wait()
    if status:
        if dry_run:
            print("".join(lines), end="", flush=True)
        raise InputError(_why("".join(lines)))
    return "".join(lines)


def _where(cores: int | None, cluster: str | None) -> list[str]:
    if cluster is None:
        return ["--cores", str(cores or len(os.sched_getaffinity(0)))]
    if not (Path(cluster) / "config.yaml").is_file():
        raise InputError(
            f"there is no {cluster}/config.yaml: name a folder with a Snakemake workflow profile, "
            "such as profiles/slurm"
        )
    return ["--workflow-profile", str(Path(cluster).resolve())]


def _why(printed: str) -> str:
    # The steps' own messages, which otherwise scroll away.
    messages = dict.fromkeys(re.findall(r"^slugkit: (.*)$", printed, flags=re.MULTILINE))
    reason = "; ".join(messages) or "the reason stands above"
    return (
        f"a step of the graph failed: {reason}. What is finished is kept: the same command goes "
        "on from here"
    )


@contextlib.contextmanager
def _only_one(path: Path) -> Iterator[None]:
    # The kernel drops this lock with the process that holds it, whatever kills it.
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another run is at work in this checkout; waiting for it to end.", flush=True)
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield
