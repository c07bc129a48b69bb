"""The directive that documents the estimators."""

import subprocess
import sys

from slugkit.estimators.interface import estimators

CONF = """
from companion.book.estimators import EveryEstimator

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon"]


def setup(app):
    app.add_directive("every-estimator", EveryEstimator)
"""


def test_the_page_has_every_estimator(tmp_path):
    (tmp_path / "conf.py").write_text(CONF)
    (tmp_path / "index.rst").write_text("Estimators\n==========\n\n.. every-estimator::\n")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "text", tmp_path, tmp_path / "out"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "out" / "index.txt").read_text()
    for one in estimators().values():
        assert f"class {one.__module__}.{one.__name__}" in page
