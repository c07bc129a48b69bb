"""The command line of the package."""

import os
import subprocess
import sys

import pytest

from slugkit.__main__ import main
from slugkit.commands import STATUS_BAD_INPUT


def test_bad_input_is_one_message_without_a_traceback(capsys):
    assert main(["data", "show", "nothing"]) == STATUS_BAD_INPUT
    error = capsys.readouterr().err
    assert error.startswith("slugkit: no data set is called 'nothing'")
    assert "Traceback" not in error


def test_an_absent_data_root_is_named(capsys, tmp_path):
    root = str(tmp_path / "absent")
    assert main(["data", "prepare", "pad_ufes_20", "--data", root]) == STATUS_BAD_INPUT
    assert f"data root {root} is not a folder" in capsys.readouterr().err


def test_a_package_that_is_not_installed_is_named_with_what_installs_it(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)  # as if it were not there
    for name in [name for name in sys.modules if name.startswith("slugkit.data.")]:
        monkeypatch.delitem(sys.modules, name)
    assert main(["data", "list"]) == STATUS_BAD_INPUT
    error = capsys.readouterr().err
    assert error.startswith("slugkit: pandas is not installed")
    assert "pip install '.[data]'" in error


def test_an_unknown_command_is_refused(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["book"])
    assert stopped.value.code == 2
    assert "invalid choice: 'book'" in capsys.readouterr().err


def test_whoever_stops_reading_stops_the_command_without_a_word():
    # The list is longer than what a pipe of one line needs, so that writing goes on after `head`.
    command = f"{sys.executable} -m slugkit data page | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], text=True, capture_output=True)
    assert done.returncode == 0
    assert done.stderr == ""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_a_path_of_any_letters_is_printed_in_any_encoding(tmp_path, encoding):
    folder = tmp_path / "Bilder-\u00e4" / "\u76ae\u819a" / "\u0444\u043e\u0442\u043e"
    (folder / "ddi-32").mkdir(parents=True)
    for locale in ({"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}):
        done = subprocess.run(
            [sys.executable, "-m", "slugkit", "data", "status", "--output", str(folder)],
            env={**os.environ, **locale, "PYTHONIOENCODING": encoding},
            capture_output=True,
        )
        assert done.returncode == 0
        assert done.stderr == b""
        assert b"ddi-32, unfinished or damaged" in done.stdout
