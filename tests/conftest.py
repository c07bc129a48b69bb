import os

import jax
import pytest
from hypothesis import HealthCheck, settings

# It holds no doctest, and a conftest.py of another folder would be taken for it.
collect_ignore = ["conftest.py"]

# No test fails because the machine is slow or busy, nor now and then: the same examples each time.
# `pytest --hypothesis-profile search` looks at others, drawn anew.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", PATIENT, derandomize=False)
settings.register_profile("same examples", PATIENT, derandomize=True)
settings.load_profile("same examples")


@pytest.fixture(scope="session", autouse=True)
def compilation_cache(tmp_path_factory):
    """Compile each program once: most tests of the training run the same one."""
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        jax.config.update("jax_compilation_cache_dir", str(tmp_path_factory.mktemp("jax")))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)
