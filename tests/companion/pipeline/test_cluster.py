import re

import pytest
import yaml

from companion.experiments import steps
from companion.paths import project_root
from companion.pipeline import graph
from slugkit.errors import InputError


def test_an_absent_cluster_profile_is_named_with_its_remedy():
    with pytest.raises(InputError, match=r"no nowhere/config.yaml: .*such as profiles/slurm"):
        graph.make("quick", "book", cluster="nowhere")


def test_the_shipped_cluster_profile_speaks_of_steps_that_exist():
    text = (project_root() / "profiles/slurm/config.yaml").read_text()
    shipped = yaml.safe_load(text)
    assert shipped["executor"] == "slurm"
    assert shipped["retries"] > 0
    named = re.findall(r"^#   (\w+): \{gres", text, flags=re.MULTILINE)
    assert len(named) == 3
    assert set(named) <= set(steps())
