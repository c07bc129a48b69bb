"""Notebooks run on the interpreter that runs the command, whatever else is installed."""

import json
import shutil
import sys
from pathlib import Path

import nbformat
import pytest

from companion.paths import project_root
from companion.pipeline.execution import execute
from companion.pipeline.provenance import interpreter
from slugkit.errors import InputError

CELLS = {
    "right": "import sys\nprint(sys.executable)",
    "wrong": "raise ValueError('a mistake')",
}


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with two notebooks of one cell each."""
    (tmp_path / "Snakefile").touch()
    (tmp_path / "profiles").mkdir()
    (tmp_path / "notebooks").mkdir()
    for name, source in CELLS.items():
        parameters = nbformat.v4.new_code_cell('profile = "x"', metadata={"tags": ["parameters"]})
        notebook = nbformat.v4.new_notebook(cells=[parameters, nbformat.v4.new_code_cell(source)])
        notebook.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        nbformat.write(notebook, tmp_path / "notebooks" / f"{name}.ipynb")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def offer(folder, argv):
    """Put a kernel of the name that every Python environment has into a folder."""
    kernel = folder / "kernels" / "python3"
    kernel.mkdir(parents=True)
    specification = {"argv": argv, "display_name": "Another", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(specification))


@pytest.mark.parametrize(
    "argv",
    [
        None,
        ["/bin/false", "{connection_file}"],
        ["no-such-interpreter", "-f", "{connection_file}"],
        [shutil.which("env"), "python3", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
    ],
)
@pytest.mark.parametrize("where", ["JUPYTER_PATH", "JUPYTER_DATA_DIR"])
def test_no_other_kernel_is_taken(checkout, monkeypatch, tmp_path, argv, where):
    if argv is not None:
        offer(tmp_path / "jupyter", argv)
        monkeypatch.setenv(where, str(tmp_path / "jupyter"))
    made = nbformat.read(execute("right", "x"), as_version=4)
    printed = made.cells[-1].outputs[0].text.strip()
    assert Path(printed) == Path(sys.executable)
    assert made.metadata["papermill"]["interpreter"] == sys.executable


def test_a_mistake_in_a_cell_is_named(checkout):
    with pytest.raises(InputError, match="notebook wrong, cell 3: ValueError: a mistake"):
        execute("wrong", "x")
    assert (checkout / "runs" / "x" / "notebooks" / "wrong.failed.ipynb").is_file()


def test_in_a_checkout_the_interpreter_is_named_from_there(monkeypatch):
    root = project_root()
    monkeypatch.setattr(sys, "executable", str(root / ".venv" / "bin" / "python"))
    assert interpreter() == ".venv/bin/python"
