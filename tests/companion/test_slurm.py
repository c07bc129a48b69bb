"""The graph on a real Slurm of one node, started here and stopped afterwards."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tiny_graph import copy_checkout, digests, environment, make

from slugkit.companion.paths import project_root

DAEMONS = ("munged", "slurmctld", "slurmd")
ABSENT = [name for name in (*DAEMONS, "sbatch") if shutil.which(name) is None]
CONFIGURATION = Path("/etc/slurm/slurm.conf")  # srun inside a job looks nowhere else
CLUSTER = "ClusterName=slugkit_test"
PATIENCE = 900  # seconds, for a busy machine
MUNGE = [Path(f"/{place}/munge") for place in ("run", "var/log", "var/lib", "etc")]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(ABSENT), reason=f"not installed (slurm-wlm, munge): {ABSENT}"),
    pytest.mark.skipif(os.getuid() != 0, reason="only root may start Slurm's daemons"),
    pytest.mark.skipif(
        # One that a killed test left behind is ours.
        CONFIGURATION.exists() and CLUSTER not in CONFIGURATION.read_text(),
        reason="this machine belongs to a cluster already",
    ),
]


def call(*command: str) -> str:
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """The daemons, and a folder for their state."""
    state = tmp_path_factory.mktemp("slurm")
    host, cores = socket.gethostname(), len(os.sched_getaffinity(0))
    megabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    CONFIGURATION.parent.mkdir(parents=True, exist_ok=True)
    CONFIGURATION.write_text(
        f"""{CLUSTER}
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
StateSaveLocation={state}/controller
SlurmdSpoolDir={state}/node
SlurmctldLogFile={state}/slurmctld.log
SlurmdLogFile={state}/slurmd.log
SlurmctldPidFile={state}/slurmctld.pid
SlurmdPidFile={state}/slurmd.pid
ReturnToService=2
MinJobAge=600
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={megabytes} State=UNKNOWN
PartitionName=normal Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
    )
    for folder in MUNGE:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.chown(folder, "munge", "munge")
    daemons = []
    try:
        for command in (
            ["runuser", "-u", "munge", "--", "munged", "--force", "--foreground"],
            ["slurmctld", "-D"],
            ["slurmd", "-D"],
        ):
            daemons.append(
                subprocess.Popen(
                    command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=state
                )
            )
            time.sleep(2)
        wait_for(lambda: "idle" in call("sinfo", "--noheader", "--format=%t"))
        yield host
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
            daemon.wait(timeout=60)
        CONFIGURATION.unlink()


def graph(target: str, cluster: str | None = None) -> tuple[str, ...]:
    call = f"graph.make('tiny', {target!r}, cluster={cluster!r})"
    return sys.executable, "-c", f"from slugkit.companion import graph; {call}"


def wait_for(condition) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.5)


def running(rule: str) -> list[str]:
    """The numbers of the running jobs of one rule."""
    listed = call("squeue", "--noheader", "--states=RUNNING", "--format=%i %k")
    return re.findall(rf"^(\S+) rule_{rule}_", listed, flags=re.MULTILINE)


def with_cluster(folder: Path) -> Path:
    """A checkout whose cluster profile is the shipped one, told what this Slurm is like."""
    copy_checkout(folder)
    shipped = yaml.safe_load((project_root() / "profiles/slurm/config.yaml").read_text())
    shipped |= {"slurm-status-command": "squeue", "slurm-no-account": True, "latency-wait": 20}
    # Jobs of seconds: forty of them until the first look at the queue would be most of the test.
    shipped |= {"slurm-init-seconds-before-status-checks": 5}
    for resources in (shipped["default-resources"], *shipped["set-resources"].values()):
        resources["mem_mb"] = 1000
    (folder / "profiles" / "here").mkdir()
    (folder / "profiles" / "here" / "config.yaml").write_text(yaml.safe_dump(shipped))
    return folder


@contextlib.contextmanager
def started(folder: Path) -> Iterator[subprocess.Popen]:
    """The graph at work in the background, once one of its trainings runs."""
    command = graph("scores_all", "profiles/here")
    with (folder / "printed").open("w") as printed:
        process = subprocess.Popen(
            command, cwd=folder, env=environment(folder), stdout=printed, stderr=subprocess.STDOUT
        )
        try:
            wait_for(lambda: running("train"))
            yield process
        finally:
            process.terminate()
            process.wait(timeout=60)


def check_models(folder: Path, checkout: Path) -> None:
    """See that trainings, curvatures and scores are those of the run without Slurm."""
    made, whole = digests(folder), digests(checkout)
    assert {"model.msgpack", "posterior.npz", "scores.csv"} <= {Path(name).name for name in made}
    assert made == {name: whole[name] for name in made}


def test_the_book_is_the_same_as_without_slurm(slurm, checkout, tmp_path):
    folder = with_cluster(tmp_path / "slugkit")
    command = [sys.executable, "-m", "slugkit", "book", "--profile", "tiny"]
    # Each of the forty jobs waits for the scheduler and for the next look at the queue.
    done = make(folder, *command, "--cluster", "profiles/here", timeout=2400)
    assert done.returncode == 0, done.stdout
    assert "SLURM jobid" in done.stdout
    assert (folder / "_build" / "html" / "index.html").is_file()
    assert digests(folder) == digests(checkout)


def test_a_killed_job_is_submitted_again_and_the_run_ends_well(slurm, checkout, tmp_path):
    folder = with_cluster(tmp_path / "slugkit")
    with started(folder) as process:
        call("scancel", "--signal=KILL", "--full", running("train")[0])
        status = process.wait(timeout=PATIENCE)
    printed = (folder / "printed").read_text()
    assert status == 0, printed
    assert "SLURM jobid" in printed
    assert "Trying to restart job" in printed
    check_models(folder, checkout)


def test_a_node_that_is_drained_in_the_middle_loses_nothing(slurm, checkout, tmp_path):
    folder = with_cluster(tmp_path / "slugkit")
    with started(folder) as process:
        call("scontrol", "update", f"NodeName={slurm}", "State=DRAIN", "Reason=test")
        wait_for(lambda: not call("squeue", "--noheader", "--states=RUNNING"))
        assert process.poll() is None
        call("scontrol", "update", f"NodeName={slurm}", "State=RESUME")
        status = process.wait(timeout=PATIENCE)
    assert status == 0, (folder / "printed").read_text()
    check_models(folder, checkout)
