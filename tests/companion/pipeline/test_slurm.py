"""The graph on a real Slurm of one node, started here and stopped afterwards."""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
import yaml
from tiny_graph import (
    MAKE_FIGURE_4,
    copy_checkout,
    copy_compiled,
    digests,
    environment,
    numbers_of_figure_4,
)

from companion.experiments import pages, steps
from companion.paths import project_root

T = TypeVar("T")

DAEMONS = ("munged", "slurmctld", "slurmd")
ABSENT = [name for name in (*DAEMONS, "sbatch") if shutil.which(name) is None]
CONFIGURATION = Path("/etc/slurm/slurm.conf")  # srun inside a job looks nowhere else
CLUSTER = "ClusterName=slugkit_test"
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


def call(*command: str, check: bool = True) -> str:
    return subprocess.run(command, check=check, text=True, capture_output=True).stdout


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
    daemons: list[subprocess.Popen] = []
    try:
        for command, is_up in (
            (
                ["runuser", "-u", "munge", "--", "munged", "--force", "--foreground"],
                lambda: subprocess.run(["munge", "-n"], capture_output=True).returncode == 0,
            ),
            (["slurmctld", "-D"], lambda: "is UP" in call("scontrol", "ping", check=False)),
            (["slurmd", "-D"], lambda: "idle" in call("sinfo", "--noheader", "--format=%t")),
        ):
            daemons.append(
                subprocess.Popen(
                    command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=state
                )
            )
            wait_for(is_up, *daemons)
        yield host
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
            daemon.wait()
        CONFIGURATION.unlink()


def wait_for(condition: Callable[[], T], *processes: subprocess.Popen) -> T:
    """Wait until something is so, while the processes live that are to bring it about."""
    while not (found := condition()):
        assert all(process.poll() is None for process in processes), "waited in vain"
        time.sleep(0.5)
    return found


def running(rule: str = "") -> list[str]:
    """The numbers of the running jobs, of one rule or of all."""
    listed = call("squeue", "--noheader", "--states=RUNNING", "--format=%i %k")
    return re.findall(rf"^(\S+) rule_{rule}", listed, flags=re.MULTILINE)


def with_cluster(folder: Path) -> Path:
    """A checkout whose cluster profile is the shipped one, told what this Slurm is like."""
    copy_checkout(folder)
    shipped = yaml.safe_load((project_root() / "profiles/slurm/config.yaml").read_text())
    shipped |= {"slurm-status-command": "squeue", "slurm-no-account": True, "latency-wait": 20}
    # The jobs take seconds: a late first look at the queue would be most of the test.
    shipped |= {"slurm-init-seconds-before-status-checks": 5}
    rules = [*steps(), *(f"page_{name}" for name in pages()), "book"]
    small = {"mem_mb": 1000, "runtime": 60}
    shipped |= {"set-resources": dict.fromkeys(rules, small), "default-resources": small}
    (folder / "profiles" / "here").mkdir()
    (folder / "profiles" / "here" / "config.yaml").write_text(yaml.safe_dump(shipped))
    return folder


def test_with_a_killed_job_and_a_drained_node_the_numbers_are_those_without_slurm(
    slurm, checkout, tmp_path
):
    folder = with_cluster(tmp_path / "slugkit")
    copy_compiled(checkout, folder)
    with (folder / "printed").open("w") as output:
        process = subprocess.Popen(
            [*MAKE_FIGURE_4, "--cluster", "profiles/here"],
            cwd=folder,
            env=environment(folder),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        killed, *_ = wait_for(lambda: running("train"), process)
        call("scancel", "--signal=KILL", "--full", killed)
        printed = (folder / "printed").read_text
        wait_for(lambda: "Trying to restart job" in printed() and running(), process)
        call("scontrol", "update", f"NodeName={slurm}", "State=DRAIN", "Reason=test")
        wait_for(lambda: not running(), process)
        call("scontrol", "update", f"NodeName={slurm}", "State=RESUME")
        status = process.wait()
    finally:
        process.terminate()
        process.wait()
    assert status == 0, printed()
    assert "SLURM jobid" in printed()
    made, whole = digests(folder), digests(checkout)
    assert "runs/tiny/seed0/C/scores.csv" in made
    assert made == {name: whole[name] for name in made}
    assert numbers_of_figure_4(folder) == numbers_of_figure_4(checkout)
