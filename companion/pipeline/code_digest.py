"""Which files of the package a piece of code depends on, so that an edit reruns what it touches."""

import ast
import functools
from pathlib import Path

import slugkit

_PACKAGE = Path(slugkit.__file__).resolve().parent


def source_files(entry: Path) -> list[Path]:
    """Return the files of slugkit that the Python file `entry` imports, and they in turn.

    `entry` itself is included if it is part of the package.
    """
    found: set[Path] = set()
    pending = [entry.resolve()]
    while pending:
        path = pending.pop()
        for name in _imported_names(path):
            for candidate in _candidates(name):
                if candidate.is_file() and candidate not in found:
                    found.add(candidate)
                    pending.append(candidate)
    if _PACKAGE in entry.resolve().parents:
        found.add(entry.resolve())
    return sorted(found)


@functools.cache  # one file is reached from many entries
def _imported_names(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(), filename=str(path))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from package import module` and `from module import name` look alike.
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] == "slugkit"}


def _candidates(name: str) -> list[Path]:
    base = _PACKAGE.joinpath(*name.split(".")[1:])
    return [base.with_suffix(".py"), base / "__init__.py"]
