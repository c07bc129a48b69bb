"""The command line of the checkout."""

import errno
import os
import sys
import warnings
from unittest.mock import patch

import pytest
from tiny_graph import TINY

from companion import __main__ as command_line
from companion.experiments import steps
from slugkit.commands import STATUS_BAD_INPUT


@pytest.fixture(autouse=True)
def environment():
    """A command sets variables and filters for its own process, which here is that of the tests."""
    with patch.dict(os.environ), warnings.catch_warnings():
        yield


def run(capsys, *words):
    status = command_line.main(words)
    return status, capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["book", "--profile", "quik"], "there is no profile 'quik': choose one of"),
        (["notebook", "fig9"], "there is no notebook 'fig9': choose one of"),
        (["train", "--dataset", "A", "--seed", "977"], "step train of profile 'quick' has no job"),
        (
            ["sketch", "--dataset", "A", "--seed", "0"],
            "choose from the seeds 0 and the training sets B",
        ),
        (["pages", "--profile", "quik"], "there is no profile 'quik'"),
        (["make", "nothing_all"], "a step of the graph failed"),
    ],
)
def test_bad_input_is_one_message_without_a_traceback(capsys, words, message):
    status, error = run(capsys, *words)
    assert status == STATUS_BAD_INPUT
    assert error.startswith("slugkit: ")
    assert message in error
    assert "Traceback" not in error


@pytest.mark.parametrize("asked_for", [None, "tensorfloat32"])
def test_a_job_computes_in_all_bits_of_float32_unless_told_otherwise(capsys, asked_for):
    os.environ.pop("JAX_DEFAULT_MATMUL_PRECISION", None)
    if asked_for:
        os.environ["JAX_DEFAULT_MATMUL_PRECISION"] = asked_for
    run(capsys, "train", "--dataset", "A", "--seed", "977")
    assert os.environ["JAX_DEFAULT_MATMUL_PRECISION"] == (asked_for or "highest")


def test_an_absent_data_root_is_named(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("SLUGKIT_DATA", str(tmp_path / "absent"))
    status, error = run(capsys, "decode", "pad_ufes_20", "--size", "64")
    assert status == STATUS_BAD_INPUT
    assert "absent" in error


def test_a_full_disk_is_said_in_one_line_which_the_graph_hears(capsys, monkeypatch, tmp_path):
    def fail(options):
        raise OSError(errno.ENOSPC, "No space left on device", "runs/x.npy")

    monkeypatch.setattr(command_line, "_notebook", fail)
    monkeypatch.setenv("SLUGKIT_FAILURES", str(tmp_path))
    status, error = run(capsys, "notebook", "fig1")
    assert status == STATUS_BAD_INPUT
    said = "runs/x.npy: No space left on device; make room, then run the same command again"
    assert error == f"slugkit: {said}\n"
    (left,) = tmp_path.iterdir()
    assert left.read_text() == f'"{said}"'


def test_a_package_that_is_not_installed_is_named_with_what_installs_it(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pydantic", None)  # as if it were not there
    monkeypatch.delitem(sys.modules, "companion.config", raising=False)
    status, error = run(capsys, "train", "--dataset", "A", "--seed", "0")
    assert status == STATUS_BAD_INPUT
    assert error.startswith("slugkit: pydantic is not installed")
    assert "pip install '.[book]'" in error


@pytest.mark.parametrize("words", [["plan", "--workers", "0"], ["book", "--cores", "-1"]])
def test_no_workers_are_refused(capsys, words):
    with pytest.raises(SystemExit) as stopped:
        command_line.main(words)
    assert stopped.value.code == 2
    assert f"{words[-1]} is too small: give at least 1" in capsys.readouterr().err


def test_unknown_options_are_refused(capsys):
    with pytest.raises(SystemExit) as stopped:
        command_line.main(["book", "--profil", "quick", "--speed", "9"])
    assert stopped.value.code == 2
    assert "--speed" in capsys.readouterr().err


def test_every_step_is_a_command(capsys):
    with pytest.raises(SystemExit):
        command_line.main(["--help"])
    shown = capsys.readouterr().out
    assert all(rule in shown for rule in steps())


@pytest.mark.slow  # it compiles both networks
def test_a_plan_needs_no_job_that_has_run(capsys, monkeypatch, tmp_path):
    (tmp_path / "Snakefile").touch()
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "tiny.yml").write_text(TINY)
    monkeypatch.chdir(tmp_path)
    assert command_line.main(["plan", "--profile", "tiny"]) == 0
    assert "took, hours" in capsys.readouterr().out
