import subprocess

import jupytext
import pytest

from companion import pairs
from slugkit.errors import InputError

TEXT = """# %% [markdown]
# # Title

# %% tags=["parameters"]
profile = "quick"

# %%
1 + 1
"""


def git(folder, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A committed checkout with one pair that agrees."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "profiles").mkdir()
    (tmp_path / "Snakefile").touch()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notebooks" / "one.py").write_text(TEXT)
    assert pairs.synchronise() == ["one.ipynb now follows one.py"]
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "start")
    return tmp_path


def test_every_pair_of_the_book_agrees_cell_by_cell():
    found = {text.name: pairs.difference(text, notebook) for text, notebook in pairs.pairs()}
    assert found
    assert not any(found.values()), found


def test_no_notebook_is_committed_with_outputs():
    for _, notebook in pairs.pairs():
        cells = jupytext.read(notebook).cells
        assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)


def test_the_edited_text_wins(checkout):
    text = checkout / "notebooks" / "one.py"
    text.write_text(TEXT.replace("1 + 1", "2 + 2"))
    assert pairs.difference(text, text.with_suffix(".ipynb")) == "cell 3 differs"
    assert pairs.synchronise() == ["one.ipynb now follows one.py"]
    assert "2 + 2" in text.with_suffix(".ipynb").read_text()
    assert pairs.synchronise() == []


def test_the_edited_notebook_wins_and_leaves_its_outputs_behind(checkout):
    path = checkout / "notebooks" / "one.ipynb"
    notebook = jupytext.read(path)
    notebook.cells[2].source = "3 + 3"
    notebook.cells[2].execution_count = 5
    jupytext.write(notebook, path)
    assert pairs.synchronise() == ["one.py now follows one.ipynb"]
    assert "3 + 3" in (checkout / "notebooks" / "one.py").read_text()


def test_two_edits_are_a_conflict(checkout):
    text, path = checkout / "notebooks" / "one.py", checkout / "notebooks" / "one.ipynb"
    text.write_text(TEXT.replace("1 + 1", "2 + 2"))
    path.write_text(path.read_text().replace("1 + 1", "3 + 3"))
    with pytest.raises(InputError, match="were both edited"):
        pairs.synchronise()
