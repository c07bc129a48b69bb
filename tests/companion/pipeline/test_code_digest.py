"""What a result depends on: code, but not its comments, and its own settings alone."""

import shutil

import pytest

from companion.experiments import steps
from companion.paths import project_root
from companion.pipeline.code_digest import digest_of, entries, source_files
from companion.profiles import load_profile


def names(*modules):
    found = {
        path for module in modules for entry in entries(module) for path in source_files(entry)
    }
    return {str(one.relative_to(project_root())) for one in found}


def test_a_step_depends_on_what_it_imports_directly_and_not():
    training = names("companion.experiments.training.step")
    assert {
        "companion/experiments/training/step.py",
        "slugkit/model/training.py",
        "slugkit/model/vae.py",
        "slugkit/files.py",
    } <= training
    assert "slugkit/slug.py" not in training
    assert not any("figures" in name or "pipeline" in name for name in training)


@pytest.mark.parametrize("rule", steps())
def test_no_step_depends_on_another_experiments_settings_or_on_the_list_of_them(rule):
    files = names(*steps()[rule].modules)
    own = {*steps()[rule].settings, "baselines"}
    others = {
        name for name in files if name.endswith("/settings.py") and name.split("/")[-2] not in own
    }
    assert not others
    assert "companion/experiments/__init__.py" not in files
    assert "companion/profiles.py" not in files


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of the code, which may be edited."""
    for folder in ("companion", "slugkit", "profiles"):
        shutil.copytree(
            project_root() / folder,
            tmp_path / folder,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    (tmp_path / "Snakefile").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def digests():
    """The code of every step, read anew."""
    from companion.pipeline import code_digest

    for function in (code_digest._code, code_digest._tree, code_digest._imported):
        function.cache_clear()
    return {rule: digest_of(*step.modules) for rule, step in steps().items()}


def edit(path, old, new):
    text = path.read_text()
    assert text.count(old) == 1, path
    path.write_text(text.replace(old, new))


def test_docstrings_and_comments_change_nothing(copied):
    before = digests()
    vae = copied / "slugkit/model/vae.py"
    vae.write_text(
        '"""Another docstring."""\n# and a comment\n' + vae.read_text().split('"""', 2)[2]
    )
    assert digests() == before


def test_a_changed_line_of_the_training_reruns_the_training_and_what_trains(copied):
    before = digests()
    edit(copied / "slugkit/model/training.py", "import optax\n", "import optax\n\nMADE_UP = 1\n")
    after = digests()
    changed = {rule for rule in before if before[rule] != after[rule]}
    assert {"train", "ablation_train", "ablation", "comparisons"} <= changed
    assert "prepare" not in changed


def test_a_new_experiment_changes_no_step(copied):
    before = digests()
    folder = copied / "companion/experiments/made_up"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from companion.pipeline.steps import Scope, Step\n"
        "RUN = 'companion.experiments.made_up.step:run'\n"
        "STEPS = (Step('made_up', Scope.FIRST, RUN, ('a',)),)\n"
    )
    assert digests() == before


def test_a_key_in_another_section_changes_no_settings_of_a_step():
    profile = load_profile("quick")
    sketch = profile.experiments["sketch"].model_copy(update={"rank": 1})
    other = profile.model_copy(update={"experiments": profile.experiments | {"sketch": sketch}})
    changed = {
        rule
        for rule, step in steps().items()
        if profile.part(step.part).digest(*step.settings)
        != other.part(step.part).digest(*step.settings)
    }
    assert changed == {"sketch"}
