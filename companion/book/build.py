"""Compile the executed notebooks and the prose into the book."""

import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from companion.paths import RunPaths, project_root
from slugkit.errors import InputError


def build(profile: str, pages: Iterable[str]) -> Path:
    """Build the book from the notebooks executed under `profile`; return its first page.

    Warnings are fatal. What was built before stays until the new book is whole.

    Raises
    ------
    InputError
        A notebook has not been executed, or the build gave a warning.
    """
    root, paths = project_root(), RunPaths(profile)
    place_notebooks(profile, pages)
    partial = paths.root / "book"
    # The command of the environment at hand, whatever PATH says.
    command = [
        str(Path(sys.executable).parent / "jupyter-book"),
        "build",
        "book",
        "--config",
        "_config.yml",
    ]
    command += ["--path-output", str(partial), "-W", "-n", "--keep-going", "--all", "--quiet"]
    done = subprocess.run(
        command,
        cwd=root,
        encoding="utf-8",
        errors="replace",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode:
        raise InputError(f"the book does not build without warnings:\n{done.stdout.strip()}")
    final = root / "_build"
    shutil.rmtree(final, ignore_errors=True)
    (partial / "_build").rename(final)
    return final / "html" / "index.html"


def place_notebooks(profile: str, pages: Iterable[str]) -> None:
    """Copy the executed notebooks and figures to where the book looks for them."""
    target = project_root() / "book" / "notebooks"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in pages:
        source = RunPaths(profile).notebook(name)
        if not source.is_file():
            raise InputError(
                f"notebook {name} has not been executed: run `make book PROFILE={profile}`"
            )
        for path in (source, source.with_suffix(".svg")):
            shutil.copyfile(path, target / path.name)
