"""Nothing heavy is imported before it is needed."""

import json
import subprocess
import sys

import pytest

from companion.paths import project_root

COMPUTES = {"jax", "flax", "optax"}
HEAVY = COMPUTES | {"pandas", "scipy", "sklearn", "matplotlib", "jupytext", "papermill"}


def loaded(code):
    """Which heavy packages a fresh interpreter has imported after some code."""
    report = (
        f"import json, sys; print(json.dumps([m for m in {sorted(HEAVY)} if m in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"],
        cwd=project_root(),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_search_for_heavy_packages_finds_them():
    assert loaded("import flax.nnx, jupytext, pandas") >= {"jax", "flax", "jupytext", "pandas"}


@pytest.mark.parametrize(
    ("package", "command"),
    [
        ("companion", ""),
        ("companion", "train"),
        ("companion", "book"),
        ("slugkit", ""),
        ("slugkit", "data fetch"),
    ],
)
def test_help_is_given_without_anything_heavy(package, command):
    words = [*command.split(), "--help"]
    call = f"with contextlib.suppress(SystemExit): main({words})"
    assert not loaded(f"import contextlib\nfrom {package}.__main__ import main\n{call}")


def test_the_graph_is_planned_without_anything_heavy():
    assert not loaded(
        "from companion.experiments import pages, steps\n"
        "from companion.pipeline.code_digest import digest_of\n"
        "from companion.profiles import load_profile\n"
        "profile = load_profile('quick')\n"
        "for step in steps().values():\n"
        "    digest_of(*step.modules), profile.part(step.part).digest(*step.settings)\n"
        "for page in pages(): digest_of(f'notebooks/{page}.py')"
    )


def test_a_book_with_nothing_to_do_needs_nothing_heavy():
    assert not loaded("from companion.pipeline import make_book, provenance; import companion.book")


@pytest.mark.parametrize(
    "module",
    [
        "experiments.data.decode",
        "experiments.data.step",
        "notebook",
        "pipeline.status",
        "pipeline.recording",
        "pipeline.execution",
    ],
)
def test_what_computes_nothing_does_not_wait_for_jax(module):
    assert not loaded(f"import companion.{module}") & COMPUTES


def test_notebooks_are_read_without_a_grammar_of_addresses():
    code = "import companion, nbformat, sys; assert 'lark' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=project_root(), check=True)
    shows = "import nbformat, sys; assert 'lark' in sys.modules"  # else nothing is gained
    subprocess.run([sys.executable, "-c", shows], cwd=project_root(), check=True)
