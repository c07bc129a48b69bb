import json
import os
import random
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from unittest.mock import patch

import pytest
from tiny_graph import copy_checkout, digests, environment

from companion.pipeline import compilation
from companion.pipeline.compilation import keep_compiled, tidy

# A program of some size, as a job computes it, and then in a process that the job starts.
PROGRAM = """
import hashlib, os, subprocess, sys
from companion.pipeline.compilation import keep_compiled
if len(sys.argv) == 1:
    keep_compiled()
import jax, numpy
gradient = jax.jit(jax.grad(lambda x: jax.numpy.sin(x @ x.T).sum()))
found = gradient(jax.random.normal(jax.random.key(0), (30, 30))) / 3
print(hashlib.sha256(numpy.asarray(found).tobytes()).hexdigest())
if len(sys.argv) == 1:
    subprocess.run([sys.executable, sys.argv[0], "again"], check=True)
"""


@pytest.fixture
def checkout_here(tmp_path, monkeypatch):
    """A folder that looks like a checkout, with a program that computes."""
    (tmp_path / "Snakefile").touch()
    (tmp_path / "profiles").mkdir()
    (tmp_path / "program.py").write_text(PROGRAM)
    monkeypatch.chdir(tmp_path)
    with patch.dict(os.environ), warnings.catch_warnings():
        yield tmp_path


def compute():
    """What the program computes, the same in both processes; nothing may stand on its stderr."""
    done = subprocess.run(
        [sys.executable, "program.py"], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    first, second = done.stdout.split()
    assert first == second
    return first


def entries(folder):
    return sorted((folder / "runs" / "compiled").glob("*/*-cache"))


def damage(paths):
    """Cut off, empty, replace by noise, or change one byte, in turn."""
    noise = random.Random(0)
    for number, path in enumerate(paths):
        whole = path.read_bytes()
        middle = len(whole) // 2
        changed = bytes([whole[middle] ^ 255])
        path.write_bytes(
            [
                whole[:middle],
                b"",
                noise.randbytes(len(whole)),
                whole[:middle] + changed + whole[middle + 1 :],
            ][number % 4]
        )


def test_programs_are_kept_and_found_and_none_is_compiled_twice(checkout_here):
    cold = compute()
    kept = {path.name: path.stat().st_mtime_ns for path in entries(checkout_here)}
    assert len(kept) > 3
    assert compute() == cold
    assert {path.name: path.stat().st_mtime_ns for path in entries(checkout_here)} == kept


def test_a_damaged_program_is_compiled_again_without_a_word(checkout_here):
    cold = compute()
    damage(entries(checkout_here))
    assert compute() == cold


def test_a_folder_that_cannot_be_written_does_no_harm(checkout_here):
    (checkout_here / "runs").write_text("not a folder")
    assert compute()


def test_damaged_programs_are_removed_and_whole_ones_kept(checkout_here):
    compute()
    found = entries(checkout_here)
    damage(found[:4])
    tidy()
    assert entries(checkout_here) == found[4:]


def test_a_folder_that_has_grown_too_large_is_emptied(checkout_here, monkeypatch):
    compute()
    monkeypatch.setattr(compilation, "LARGEST", 1000)
    tidy()
    assert not entries(checkout_here)


def test_a_machine_with_more_threads_has_programs_of_its_own(checkout_here):
    folders = set()
    for threads in ("1", "7"):
        with patch.dict(os.environ, {"NPROC": threads}):
            keep_compiled()
            folders.add(os.environ["JAX_COMPILATION_CACHE_DIR"])
    assert len(folders) == 2


def test_what_the_user_has_set_stands(checkout_here):
    own = {"JAX_COMPILATION_CACHE_DIR": "mine", "PYTHONWARNINGS": "error"}
    with patch.dict(os.environ, own):
        keep_compiled()
        assert os.environ["JAX_COMPILATION_CACHE_DIR"] == "mine"
        assert os.environ["PYTHONWARNINGS"].startswith("error,ignore:")


def by_hand(folder, *commands, **settings):
    """Run steps one by one, without the graph, which would remove what is damaged."""
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", "companion", *command.split(), "--profile", "tiny"],
            cwd=folder,
            env={**environment(folder), "NPROC": "1", "OMP_NUM_THREADS": "1", **settings},
            text=True,
            capture_output=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stderr == ""


@pytest.mark.slow
def test_results_are_the_same_without_kept_programs_and_with_damaged_ones(checkout, tmp_path):
    """`checkout` lies in between: each job found what those before it had compiled."""
    folder = tmp_path / "slugkit"
    copy_checkout(folder)
    steps = (
        "prepare --seed 0",
        *(f"{step} --dataset B --seed 0" for step in ("train", "curvature", "scores")),
    )
    by_hand(folder, *steps, JAX_ENABLE_COMPILATION_CACHE="false")
    assert not entries(folder)
    cold, whole = digests(folder), digests(checkout)
    assert {"model.msgpack", "posterior.npz", "scores.csv"} <= {Path(name).name for name in cold}
    assert cold == {name: whole[name] for name in cold}

    shutil.rmtree(folder / "runs" / "tiny")
    shutil.copytree(checkout / "runs" / "compiled", folder / "runs" / "compiled")
    kept = entries(folder)
    damage(kept[::2])
    by_hand(folder, *steps)
    assert digests(folder) == cold
    assert entries(folder) == kept  # all were found, whatever the place of the folder


@pytest.mark.slow
def test_a_notebook_says_nothing_of_damaged_programs(copied, tmp_path):
    damage(entries(copied))
    by_hand(copied, "notebook your_own_vae", SLUGKIT_FAILURES=str(tmp_path))
    cells = json.loads((copied / "runs/tiny/notebooks/your_own_vae.ipynb").read_text())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert outputs
    assert not [output for output in outputs if output.get("name") == "stderr"]
