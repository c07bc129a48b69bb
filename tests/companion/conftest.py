import pytest
from tiny_graph import copy_checkout, make


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups, whatever is collected
def pytest_collection_modifyitems(items):
    """Keep what shares the run together, so that several workers make it once."""
    for item in items:
        if "checkout" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("checkout"))


@pytest.fixture(scope="session")
def checkout(tmp_path_factory):
    """A copy of what git tracks, with the tiny profile, already made once."""
    folder = tmp_path_factory.mktemp("checkout") / "slugkit"
    copy_checkout(folder)
    done = make(folder)
    assert done.returncode == 0, done.stdout
    return folder
