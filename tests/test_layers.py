"""Nothing imports upward: each part of the package knows only what is below it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import slugkit

PACKAGE = Path(slugkit.__file__).parent
# What each part may import, beside itself. The first that fits a module's name counts.
BELOW = {
    "errors": set(),
    "refusals": {"errors"},
    "files": set(),
    "progress": set(),
    "summary": set(),
    "discovery": {"errors"},
    "checks.arrays": {"errors", "refusals"},
    "checks.devices": {"errors", "refusals"},
    "checks.numbers": {"errors", "refusals"},
    "image_stream": {"checks.arrays", "errors", "refusals"},
    "linalg": {"errors", "files", "progress", "summary"},
    "operators": {"errors", "progress", "refusals"},
    "checks.model": {"errors", "refusals", "operators"},
    "posterior": {"checks.numbers", "errors", "refusals", "linalg", "operators", "summary"},
    "posterior_file": {"errors", "files", "linalg", "operators", "posterior"},
    "solvers": {
        "checks.numbers",
        "discovery",
        "errors",
        "linalg",
        "operators",
        "posterior",
        "progress",
    },
    "estimators": {
        "checks",
        "discovery",
        "errors",
        "refusals",
        "linalg",
        "operators",
        "posterior",
        "progress",
    },
}
METHOD = {*(name.split(".")[0] for name in BELOW), "solvers", "estimators"}
BELOW |= {
    "slug": METHOD,
    "torch": {"errors", "refusals", "operators", "model.convolution"},
    "shards": METHOD | {"slug"},
    "streaming": METHOD | {"slug"},
    "evidence": METHOD,
    "model.convolution": set(),
    "model": {"errors", "files", "operators", "progress"},
    "baselines": METHOD | {"slug", "model"},
    "data": {"errors", "files", "progress"},
    "commands": {"errors"},
}
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
    for path in PACKAGE.rglob("*.py")
    if path.name not in ("__init__.py", "__main__.py")
}


def imported(path):
    """Return the modules of the package that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    names = {name.removeprefix("slugkit.") for name in found if name.startswith("slugkit.")}
    return names & set(MODULES)


def part(module):
    return next(name for name in BELOW if f"{module}.".startswith(f"{name}."))


@pytest.mark.parametrize("module", sorted(MODULES))
def test_each_module_knows_only_what_lies_below(module):
    allowed = BELOW[part(module)] | {part(module)}
    for other in imported(MODULES[module]):
        assert part(other) in allowed or other.split(".")[0] in allowed, other


def test_no_module_imports_itself_by_a_detour():
    done, path = set(), []

    def visit(module):
        assert module not in path, " imports ".join([*path, module])
        if module not in done:
            path.append(module)
            for other in sorted(imported(MODULES[module])):
                visit(other)
            done.add(path.pop())

    for module in sorted(MODULES):
        visit(module)


def test_nothing_knows_the_companion():
    for module, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.split(".")[0] == "companion"], module


def test_the_method_needs_only_its_own_dependencies():
    """Whoever installs the package without extras can fit, score, stream and choose a prior."""
    blocked = [
        "flax",
        "optax",
        "pandas",
        "pydantic",
        "yaml",
        "httpx",
        "PIL",
        "sklearn",
        "matplotlib",
    ]
    code = f"""
import sys
for name in {blocked}:
    sys.modules[name] = None
import slugkit.slug, slugkit.streaming, slugkit.evidence
from slugkit.baselines.interface import baselines
from slugkit.estimators.interface import estimators
assert len(estimators()) > 5 and len(baselines()) > 5
"""
    subprocess.run([sys.executable, "-c", code], check=True)
