"""`make book`: say what will happen, bring the graph up to date, and print the path of the book."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from companion.config import Profile
from companion.paths import RunPaths, data_root, project_root
from companion.pipeline import graph
from companion.pipeline.provenance import hardware, processor_seconds
from slugkit.errors import InputError
from slugkit.files import atomic_path
from slugkit.progress import format_duration

# How long a whole run took on the maintainers' machine; a checkout's own last run comes first.
REFERENCE_TIMINGS = "benchmarks/timings.json"


def make_book(profile: Profile, *, cores: int | None = None, cluster: str | None = None) -> None:
    """Make everything that `profile` needs, up to the pages of the book, here or on a cluster.

    Raises
    ------
    InputError
        Data are absent (all that are missing are named), or a step failed.
    """
    cores = cores or len(os.sched_getaffinity(0))
    pair_notebooks()
    page = project_root() / "_build" / "html" / "index.html"
    jobs = graph.make(profile.name, "book", cores=cores, dry_run=True).planned
    if not jobs:
        print(f"Nothing has changed since the last run: the book is up to date.\nOpen {page}")
        return
    if "decode" in jobs:
        _check_data(profile)
    print(f"Profile {profile.name}: {profile.summary}.")
    place = f"{cores} cores" if cluster is None else f"the cluster of {cluster}"
    print(f"To do on {place}: {', '.join(f'{n} x {job}' for job, n in jobs.items())}.")
    print(_last_time(profile.name), flush=True)
    start, used = time.monotonic(), processor_seconds()
    graph.make(profile.name, "book", cores=cores, cluster=cluster)
    seconds, used = time.monotonic() - start, processor_seconds() - used
    done = f"Done in {format_duration(seconds)}"
    if cluster is None:  # whose jobs do not count as ours
        _remember(profile.name, jobs, seconds, used, cores)
        done += f" (processor time {format_duration(used)})"
    print(f"\n{done}.\nOpen {page}")


def _check_data(profile: Profile) -> None:
    """Find out what is missing before anything is computed."""
    from slugkit.data import sources  # here, because only real images need it, and it needs pandas

    missing = []
    for source in profile.data.real_sources():
        try:
            sources.index(source, data_root())
        except InputError as error:
            missing.append(str(error))
    if missing:
        raise InputError("; ".join(dict.fromkeys(missing)))


def pair_notebooks() -> None:
    """Bring the two forms of each notebook into agreement by jupytext: the later edit counts."""
    texts = sorted((project_root() / "notebooks").glob("*.py"))
    agreed = project_root() / "runs" / "paired_notebooks"
    times = "".join(
        f"{path.name} {path.stat().st_mtime_ns}\n"
        for text in texts
        for path in (text, text.with_suffix(".ipynb"))
        if path.is_file()
    )
    # jupytext takes seconds to find that nothing has changed.
    if agreed.is_file() and agreed.read_text(encoding="utf-8") == times:
        return
    command = [str(Path(sys.executable).parent / "jupytext"), "--sync", "--quiet", *map(str, texts)]
    done = subprocess.run(
        command,
        encoding="utf-8",
        errors="replace",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode:
        raise InputError(f"the notebooks cannot be paired: {done.stdout.strip()}")
    with atomic_path(agreed) as partial:
        partial.write_text(times)


def _last_time(profile: str) -> str:
    for path, whose in (
        (RunPaths(profile).root / "timing.json", "here"),
        (project_root() / REFERENCE_TIMINGS, "on the maintainers' machine"),
    ):
        if not path.is_file():
            continue
        timing = json.loads(path.read_text(encoding="utf-8"))
        timing = timing.get(profile) if whose != "here" else timing
        if timing:
            duration = format_duration(timing["seconds"])
            return (
                f"Last time, {sum(timing['jobs'].values())} jobs took {duration} {whose} "
                f"({timing['cores']} cores, {timing['processor']})."
            )
    return "How long this takes is not known yet: nobody has recorded a run of this profile."


def _remember(profile: str, jobs: dict[str, int], seconds: float, used: float, cores: int) -> None:
    timing = {
        "seconds": round(seconds, 1),
        "processor_seconds": round(used, 1),
        "jobs": jobs,
        "cores": cores,
        "processor": hardware()["processor"],
    }
    with atomic_path(RunPaths(profile).root / "timing.json") as partial:
        partial.write_text(json.dumps(timing, indent=1) + "\n")
