"""Each notebook is kept as text and as .ipynb, is a declared page, and stands in the contents."""

from pathlib import Path

import jupytext
import pytest
import yaml
from jupytext.compare import compare_notebooks

from companion.experiments import pages
from companion.paths import project_root
from companion.pipeline import make_book

TEXTS = sorted((project_root() / "notebooks").glob("*.py"))


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)
def test_both_forms_agree(text):
    notebook = jupytext.read(text.with_suffix(".ipynb"))
    notebook.metadata = {}  # of the kernel, which the text has not
    compare_notebooks(notebook, jupytext.read(text), fmt="py:percent")


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)
def test_no_output_is_kept(text):
    cells = jupytext.read(text.with_suffix(".ipynb")).cells
    assert not any(cell.get("outputs") for cell in cells)


def test_every_notebook_is_a_declared_page_and_stands_in_the_table_of_contents():
    contents = yaml.safe_load((project_root() / "book" / "_toc.yml").read_text())
    listed = {
        Path(chapter["file"]).name
        for part in contents["parts"]
        for chapter in part["chapters"]
        if chapter["file"].startswith("notebooks/")
    }
    assert {path.stem for path in TEXTS} == set(pages()) == listed


def test_what_else_a_page_reads_is_in_the_checkout():
    named = [name for page in pages().values() for name in page.files]
    assert named
    assert [name for name in named if not (project_root() / name).is_file()] == []


@pytest.fixture
def pair(tmp_path, monkeypatch):
    """A checkout with one notebook in both forms."""
    (tmp_path / "Snakefile").touch()
    (tmp_path / "profiles").mkdir()
    (tmp_path / "runs").mkdir()
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "pyproject.toml").write_text((project_root() / "pyproject.toml").read_text())
    text = tmp_path / "notebooks" / "page.py"
    text.write_text("# %% [markdown]\n# # A page\n\n# %%\n1 + 1\n")
    jupytext.write(jupytext.read(text), text.with_suffix(".ipynb"))
    monkeypatch.chdir(tmp_path)
    return text, text.with_suffix(".ipynb")


@pytest.mark.parametrize("edited", [0, 1])
def test_the_form_that_was_edited_last_brings_the_other_one_along(pair, edited):
    path, other = pair[edited], pair[1 - edited]
    path.write_text(path.read_text().replace("1 + 1", "1 + 2"))
    make_book.pair_notebooks()
    assert "1 + 2" in other.read_text()
    before = [one.stat().st_mtime_ns for one in pair]
    make_book.pair_notebooks()
    assert [one.stat().st_mtime_ns for one in pair] == before
