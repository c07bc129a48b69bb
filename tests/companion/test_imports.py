import json
import re
import subprocess
import sys

import pytest

from companion.paths import project_root
from companion.pipeline.code_digest import source_files


def names(entry):
    return {path.name for path in source_files(project_root() / entry)}


def test_a_step_depends_on_what_it_imports_directly_and_not():
    training = names("companion/experiments/training/step.py")
    assert {"train.py", "training.py", "vae.py", "schedule.py", "files.py"} <= training
    assert "slug.py" not in training
    assert "plots.py" not in training


def test_a_notebook_depends_on_the_package_but_not_on_the_steps():
    notebook = names("notebooks/fig4.py")
    assert {"plots.py", "metrics.py", "style.py"} <= notebook
    assert "architecture.py" in notebook  # through the profile
    assert not {"prepare.py", "training.py", "vae.py"} & notebook


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


@pytest.mark.parametrize("command", ["", "train", "book", "data", "data fetch"])
def test_help_is_given_without_anything_heavy(command):
    words = [*command.split(), "--help"]
    call = f"with contextlib.suppress(SystemExit): main({words})"
    assert not loaded(f"import contextlib\nfrom slugkit.__main__ import main\n{call}")


def test_the_graph_is_planned_without_anything_heavy():
    snakefile = (project_root() / "Snakefile").read_text()
    imports = re.findall(r"^from slugkit.*$", snakefile, flags=re.MULTILINE)
    assert len(imports) > 3
    plan = "load_profile('quick').laboratory()\nsource_files(Path('notebooks/fig4.py'))"
    assert not loaded("\n".join(["from pathlib import Path", *imports, plan]))


def test_a_book_with_nothing_to_do_needs_nothing_heavy():
    assert not loaded("from companion import make_book, provenance, book")


@pytest.mark.parametrize(
    "module", ["steps.decode", "steps.prepare", "notebook", "status", "recording", "execution"]
)
def test_what_computes_nothing_does_not_wait_for_jax(module):
    assert not loaded(f"import companion.{module}") & COMPUTES
