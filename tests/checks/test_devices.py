"""Devices that are not there."""

import os
import subprocess
import sys

import pytest

from slugkit.checks.devices import check_devices

CALL = """
import sys
import numpy as np
from slugkit import slug
from slugkit.errors import InputError
try:
    slug.fit(lambda p, x: x * p, np.ones(3), np.ones((2, 3)), rank=1, key=None)
except InputError as error:
    sys.exit(str(error))
"""


def test_devices_that_are_there_pass():
    check_devices()


@pytest.mark.parametrize("platform", ["cuda", "rocm", "abacus"])
def test_devices_that_are_not_there_are_named(platform):
    environment = {**os.environ, "JAX_PLATFORMS": platform}
    done = subprocess.run(
        [sys.executable, "-c", CALL], env=environment, capture_output=True, text=True
    )
    begin = f"JAX_PLATFORMS is {platform!r}, but JAX finds no such device: "
    end = "; unset it, or set it to cpu; for NVIDIA cards, pip install '.[cuda]' in a clone\n"
    assert done.stderr.startswith(begin)
    assert done.stderr.endswith(end)
    assert len(done.stderr.splitlines()) == 1
