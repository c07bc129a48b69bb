import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def data_root():
    """Return the folder of real data, or skip."""
    root = Path(os.environ.get("SLUGKIT_DATA", ROOT.parent / "shared" / "data"))
    if not root.is_dir():
        pytest.skip(f"no real data: {root} is not a folder; set SLUGKIT_DATA")
    return root
