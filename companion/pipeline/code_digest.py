"""A digest of the code that a result depends on, in which comments and docstrings do not count.

What a module imports for its annotations alone, under `if TYPE_CHECKING`, does not count either: so
no edit of the pipeline itself reruns a step.
"""

import ast
import functools
import hashlib
from pathlib import Path

from companion.paths import project_root

PACKAGES = ("companion", "slugkit")


def digest_of(*modules: str) -> str:
    """Return 12 hexadecimal digits that change when the code of some modules, or of what they
    import from this repository, does.

    Parameters
    ----------
    modules
        Dotted names of modules or of whole packages, or paths of scripts.
    """
    paths = {
        path for module in modules for entry in entries(module) for path in source_files(entry)
    }
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{path.relative_to(project_root())}\n{_code(path)}\n".encode())
    return digest.hexdigest()[:12]


def source_files(entry: Path) -> list[Path]:
    """Return `entry`, the files of this repository that it imports, and they in turn."""
    found, pending = {entry}, [entry]
    while pending:
        new = _imported(pending.pop()) - found
        found |= new
        pending += new
    return sorted(found)


def entries(module: str) -> list[Path]:
    """Return the files that a name stands for: a script, a module, or all modules of a package."""
    if module.endswith(".py"):
        return [project_root() / module]
    path = project_root().joinpath(*module.split("."))
    return sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]


@functools.cache  # one file is reached from many entries
def _tree(path: Path) -> ast.Module:
    """Return the syntax tree without docstrings; comments and layout are not in it."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [part for part in node.body if not _is_text(part)]
    return tree


@functools.cache
def _code(path: Path) -> str:
    return ast.dump(_tree(path))


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


@functools.cache
def _imported(path: Path) -> set[Path]:
    """Return the files of this repository that a file imports."""
    names = set()
    tree = _tree(path)
    annotations = {
        part
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for part in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in annotations:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from package import module` and `from module import name` look alike.
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    root = project_root()
    bases = {root.joinpath(*name.split(".")) for name in names if name.split(".")[0] in PACKAGES}
    files = {file for base in bases for file in (base.with_suffix(".py"), base / "__init__.py")}
    return {file for file in files if file.is_file()}
