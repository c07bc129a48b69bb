"""Each notebook is kept twice, as readable text (.py) and as .ipynb without outputs."""

import subprocess
from pathlib import Path
from typing import Any

from companion.paths import project_root
from slugkit.errors import InputError
from slugkit.files import atomic_path, sha256


def pairs() -> list[tuple[Path, Path]]:
    """Return the notebooks of the checkout as (text, notebook)."""
    texts = sorted((project_root() / "notebooks").glob("*.py"))
    return [(text, text.with_suffix(".ipynb")) for text in texts]


def difference(text: Path, notebook: Path) -> str:
    """Return where the two forms of a notebook differ, or nothing if they agree cell by cell."""
    if not notebook.exists():
        return f"{notebook.name} is missing"
    first, second = _cells(text), _cells(notebook)
    for number, (left, right) in enumerate(zip(first, second, strict=False), start=1):
        if left != right:
            return f"cell {number} differs"
    if len(first) != len(second):
        return f"{text.name} has {len(first)} cells, {notebook.name} has {len(second)}"
    return ""


def synchronise() -> list[str]:
    """Bring every pair into agreement and return what was done, a line for each pair changed.

    The form that was edited since the last commit is the one that counts; modification times say
    nothing after a clone.

    Raises
    ------
    InputError
        Both forms were edited, each in its own way.
    """
    done: list[str] = []
    agreed = project_root() / "runs" / "agreed_notebooks"
    if agreed.is_file() and agreed.read_bytes() == _digests():
        return done
    for text, notebook in pairs():
        found = difference(text, notebook)
        if not found:
            continue
        if not notebook.exists() or not _edited(notebook):
            _write(text, notebook)
            done.append(f"{notebook.name} now follows {text.name}")
        elif not _edited(text):
            _write(notebook, text)
            done.append(f"{text.name} now follows {notebook.name}")
        else:
            raise InputError(
                f"notebooks/{text.name} and {notebook.name} were both edited ({found}): run "
                f"`jupytext --to ipynb notebooks/{text.name}` to keep the text, or "
                f"`jupytext --to py:percent notebooks/{notebook.name}` to keep the notebook"
            )
    with atomic_path(agreed) as partial:
        partial.write_bytes(_digests())
    return done


def _digests() -> bytes:
    files = [path for pair in pairs() for path in pair if path.is_file()]
    return "".join(f"{sha256(path)}  {path.name}\n" for path in files).encode()


def _cells(path: Path) -> list[tuple[str, str, Any]]:
    import jupytext  # here, because it takes over a second, and seldom is there anything to compare

    return [
        # jupytext adds empty metadata and drops what belongs to the editor alone.
        (cell.cell_type, cell.source.strip(), _metadata(cell.metadata))
        for cell in jupytext.read(path).cells
    ]


def _metadata(metadata: Any) -> dict:
    return {name: metadata[name] for name in ("tags", "mystnb") if metadata.get(name)}


def _edited(path: Path) -> bool:
    command = ["git", "status", "--porcelain", "--", str(path)]
    try:
        done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        # Without git nothing tells which form was edited; the text is the one to read and review.
        return path.suffix == ".py"
    return bool(done.stdout.strip())


def _write(source: Path, target: Path) -> None:
    import jupytext

    notebook = jupytext.read(source)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    with atomic_path(target) as partial:
        fmt = "ipynb" if target.suffix == ".ipynb" else "py:percent"
        partial.write_text(jupytext.writes(notebook, fmt=fmt))
