"""The numbers hold on other processors: with other kernels of OpenBLAS and instructions of XLA.

Each setting runs a selection of the method's tests in a process of its own, and prints what it was:
`pytest -m slow -rA tests/test_processors.py` shows it.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
# What a processor needs for them. Zen is not here because it takes the kernel of Haswell.
KERNELS = {
    "Prescott": {"pni"},
    "Nehalem": {"sse4_2"},
    "Sandybridge": {"avx"},
    "Haswell": {"avx2", "fma"},
    "SkylakeX": {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"},
}
REPORTED = {"Prescott": "Katmai"}  # the same code
INSTRUCTIONS = {"SSE4_2": {"sse4_2"}, "AVX2": {"avx2", "fma"}}


def skip_unless_it_has(flags):
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    found = next((set(line.split()) for line in lines if line.startswith("flags")), set())
    if missing := flags - found:
        pytest.skip(f"this processor has no {', '.join(sorted(missing))}")


def run(selection, **environment):
    """Run some tests in a process of its own and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *selection],
        cwd=ROOT,
        env={**os.environ, **environment},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    print(*(f"{name}={value}" for name, value in environment.items()), done.stdout, sep="\n")
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize(
    ("kernel", "threads"), [(kernel, 1 + i % 2) for i, kernel in enumerate(KERNELS)]
)
def test_lanczos_holds_with_every_kernel(kernel, threads):
    skip_unless_it_has(KERNELS[kernel])
    printed = run(
        ["tests/linalg/test_bounds.py", "tests/linalg/test_lanczos.py"],
        OPENBLAS_CORETYPE=kernel,
        OPENBLAS_NUM_THREADS=str(threads),
        OPENBLAS_VERBOSE="2",
    )
    assert f"Core: {REPORTED.get(kernel, kernel)}" in printed


@pytest.mark.parametrize("instructions", INSTRUCTIONS)
def test_products_scores_and_maps_hold_with_older_instructions(instructions):
    skip_unless_it_has(INSTRUCTIONS[instructions])
    run(
        [
            "tests/operators/test_ggn.py",
            "tests/linalg/test_hutchinson.py",
            "tests/linalg/test_bekas.py",
            "tests/linalg/test_hutchpp.py",
            "tests/linalg/test_xtrace.py",
            "tests/linalg/test_xnystrace.py",
            "tests/linalg/test_xnysdiag.py",
            "tests/model/test_convolution.py",
            "tests/model/test_elu.py",
        ],
        XLA_FLAGS=f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_max_isa={instructions}",
    )


def test_scores_and_training_hold_as_users_compile_them():
    # `make test` leaves out most of XLA's optimisations.
    run(["tests/test_slug.py", "tests/model/test_training.py"], JAX_DISABLE_MOST_OPTIMIZATIONS="0")
