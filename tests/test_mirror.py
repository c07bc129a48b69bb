"""slugkit/linalg/lanczos.py is tested in tests/linalg/test_lanczos.py."""

from pathlib import Path

import pytest

import slugkit

PACKAGE, TESTS = Path(slugkit.__file__).parent, Path(__file__).parent
# They hold no code that could go wrong.
PLAIN = {"errors.py", "model/schedule.py"}
MODULES = [
    path.relative_to(PACKAGE)
    for path in sorted(PACKAGE.rglob("*.py"))
    if not path.name.startswith("__") and path.relative_to(PACKAGE).parts[0] != "data"
]


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_each_module_has_its_tests(module):
    if module.as_posix() not in PLAIN:
        assert (TESTS / module.parent / f"test_{module.name}").is_file()
