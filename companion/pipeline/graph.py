"""The graph from images to the book: Snakemake, started the same way from everywhere."""

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from companion.paths import data_root, project_root
from companion.pipeline import compilation
from slugkit.errors import InputError

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

# The page that a reader wants first.
FIRST_PAGE = "fig4"

# Set for everything that the graph starts: a folder where a step that fails leaves its message, by
# which a notebook also knows that it need not start the graph itself.
FAILURES = "SLUGKIT_FAILURES"


@dataclass(frozen=True)
class Done:
    """What the graph had to do."""

    planned: dict[str, int]  # how many jobs of each rule
    jobs: list[dict[str, Any]]  # rule, wildcards, reason and priority of each, in their order


def inside_graph() -> bool:
    """Return whether the graph itself started this process."""
    return FAILURES in os.environ


def leave_failure(message: str) -> None:
    """Leave the message of a step that failed where the graph finds it."""
    if inside_graph():
        path = Path(os.environ[FAILURES], f"{os.getpid()}.json")
        with contextlib.suppress(OSError):  # on a full disk the message stands in the log alone
            path.write_text(json.dumps(message))


def make_outside(profile: str, target: str) -> None:
    """Bring `target` up to date in a process of its own, as from a notebook's kernel."""
    command = [sys.executable, "-m", "companion", "make", target, "--profile", profile]
    done = subprocess.run(
        command, cwd=project_root(), stderr=subprocess.PIPE, encoding="utf-8", errors="replace"
    )
    if done.returncode:
        raise InputError(done.stderr.strip().removeprefix("slugkit: "))


def make(
    profile: str,
    target: str,
    *,
    cores: int | None = None,
    cluster: str | None = None,
    dry_run: bool = False,
) -> Done:
    """Bring `target` up to date, and whatever it depends on.

    Parameters
    ----------
    profile
        Name of a profile.
    target
        A rule of the Snakefile: "book", "notebooks", "<step>_all", such as "scores_all", or a file.
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
    from snakemake.cli import args_to_api, parse_args  # takes a second, which --help need not

    from companion.pipeline import graph_log

    root = project_root()
    words = [target, "--snakefile", str(root / "Snakefile"), "--directory", str(root)]
    words += ["--config", f"profile={profile}", *_where(cores, cluster)]
    # The lock below replaces Snakemake's, which outlives a killed run. Nothing is left half
    # written, but what a killed run had begun is begun again.
    words += ["--nolock", "--rerun-incomplete", "--logger", graph_log.PLUGIN]
    # A file that was written again with the same bytes is no reason to run anything again.
    words += ["--max-checksum-file-size", "1000000000"]
    if target in ("book", "notebooks"):
        # Snakemake makes what is prioritised, whether or not the target asks for it.
        words += ["--prioritize", f"runs/{profile}/notebooks/{FIRST_PAGE}.ipynb"]
    words += ["--dry-run"] if dry_run else []
    graph_log.register()
    graph_log.LogHandler.silent, graph_log.LogHandler.on_cluster = dry_run, cluster is not None
    with _only_one(root / "runs" / ".lock"), _surroundings(cluster) as failures:
        # What a killed run was writing has no use: whoever goes on begins the file anew.
        for remnant in (root / "runs").rglob(".*.partial*"):
            if remnant.is_file():
                remnant.unlink(missing_ok=True)
        if not dry_run:
            compilation.tidy()
        parser, arguments = parse_args(words)
        # How many jobs may start in a second: with a limit Snakemake looks at all that waits each
        # second, and once more for each job that has ended.
        arguments.max_jobs_per_timespan = None
        good = args_to_api(arguments, parser)
        messages = [
            json.loads(path.read_text(encoding="utf-8")) for path in sorted(failures.glob("*.json"))
        ]
    if not good:
        reason = "; ".join(dict.fromkeys(messages)) or "the reason is above"
        raise InputError(
            f"a step of the graph failed: {reason}. What is finished is kept: the same command "
            "goes on from here"
        )
    return Done(graph_log.LogHandler.planned, graph_log.LogHandler.jobs)


@contextlib.contextmanager
def _surroundings(cluster: str | None) -> Iterator[Path]:
    """Set the environment of the jobs, and give the folder for the messages of those that fail."""
    before = dict(os.environ)
    # Not beside the results, whose disk may be full, unless jobs on other machines must reach it.
    folder = None if cluster is None else project_root() / "runs"
    failures = Path(tempfile.mkdtemp(prefix=".failures-", dir=folder))
    for name, value in KEEP_MEMORY.items():
        os.environ.setdefault(name, value)
    os.environ |= {
        FAILURES: str(failures),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), before.get("PATH", "")]),
        "PYTHONPATH": os.pathsep.join(
            [str(project_root()), *filter(None, [before.get("PYTHONPATH")])]
        ),
        "NPROC": "1",
        "OMP_NUM_THREADS": "1",
        # Another backend, which servers often name, would leave notebooks without their figures.
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONUNBUFFERED": "1",
        "SLUGKIT_DATA": str(data_root().resolve()),
    }
    try:
        yield failures
    finally:
        shutil.rmtree(failures, ignore_errors=True)
        os.environ.clear()
        os.environ |= before


def _where(cores: int | None, cluster: str | None) -> list[str]:
    if cluster is None:
        return ["--cores", str(cores or len(os.sched_getaffinity(0)))]
    if not (Path(cluster) / "config.yaml").is_file():
        raise InputError(
            f"there is no {cluster}/config.yaml: name a folder with a Snakemake workflow profile, "
            "such as profiles/slurm"
        )
    return ["--workflow-profile", str(Path(cluster).resolve())]


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
