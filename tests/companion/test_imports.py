from slugkit.companion.imports import source_files
from slugkit.companion.paths import project_root


def names(entry):
    return {path.name for path in source_files(project_root() / entry)}


def test_a_step_depends_on_what_it_imports_directly_and_not():
    training = names("slugkit/companion/steps/train.py")
    assert {"train.py", "training.py", "vae.py", "schedule.py", "files.py"} <= training
    assert "slug.py" not in training
    assert "plots.py" not in training


def test_a_notebook_depends_on_the_package_but_not_on_the_steps():
    notebook = names("notebooks/fig4.py")
    assert {"plots.py", "metrics.py", "style.py"} <= notebook
    assert "architecture.py" in notebook  # through the profile
    assert not {"prepare.py", "training.py", "vae.py"} & notebook
