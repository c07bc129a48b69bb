import fcntl
import os
import shutil

import pytest
from tiny_graph import copy_checkout, make


def pytest_collection_modifyitems(items):
    """Keep all workers busy: each takes the next test in this order.

    The longest is first. While its worker makes the run, the others have what needs none; then
    what compares with it, and last what changes a copy, which is short.
    """

    def place(item):
        fixtures = getattr(item, "fixturenames", ())
        return "slurm" not in fixtures, "checkout" in fixtures, "copied" in fixtures

    items.sort(key=place)


@pytest.fixture(scope="session")
def checkout(tmp_path_factory):
    """A copy of what git tracks, with the tiny profile, already made once; nothing may change it.

    The worker that is first makes it for all, the others wait for it.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "checkout" / "slugkit"
    with (shared / "checkout.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            making = tmp_path_factory.mktemp("making") / "slugkit"
            copy_checkout(making)
            done = make(making)
            assert done.returncode == 0, done.stdout
            folder.parent.mkdir()
            making.rename(folder)  # so that a folder of this name is whole
    return folder


@pytest.fixture
def copied(checkout, tmp_path):
    """A copy of the run to change, with the times of its files: nothing in it is out of date."""
    return shutil.copytree(checkout, tmp_path / "slugkit", symlinks=True)
