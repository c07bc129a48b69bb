import jax
import pytest

# It holds no doctest, and a conftest.py of another folder would be taken for it.
collect_ignore = ["conftest.py"]


@pytest.fixture(scope="session", autouse=True)
def compilation_cache(tmp_path_factory):
    """Compile each program once: most tests of the training run the same one."""
    jax.config.update("jax_compilation_cache_dir", str(tmp_path_factory.mktemp("jax")))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)
