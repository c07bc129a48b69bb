"""Lanczos iteration on matrices with a prescribed spectrum."""

import ml_dtypes
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from spectra import matrix_with

from slugkit.errors import InputError
from slugkit.linalg.lanczos import lanczos
from slugkit.linalg.recurrence import ROUNDING

SPECTRA = {
    "decaying": 2.0 ** -np.arange(60),
    "slowly decaying": 1 / (1.0 + np.arange(60)),
    "clustered": np.repeat([8.0, 4.0, 1.0, 0.1], 15) * (1 + 1e-9 * np.arange(60)),
    "three copies": np.repeat(0.8 ** np.arange(20), 3),
    "gap": np.where(np.arange(60) < 5, 1.0 + np.arange(60), 1e-3),
    "rank-deficient": np.where(np.arange(60) < 12, 1.0 + np.arange(60), 0.0),
    "identity": np.ones(60),
}


@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rank", [1, 5, 12])
def test_finds_the_leading_eigenpairs(name, dtype, rank):
    eigenvalues = SPECTRA[name]
    matrix, _ = matrix_with(eigenvalues)
    matrix = matrix.astype(dtype)
    pairs = lanczos(
        lambda v: matrix @ v,
        60,
        rank,
        seed=1,
        tolerance=10 * np.finfo(dtype).eps,
        max_products=60,
        dtype=dtype,
    )
    assert pairs.converged
    # With |A| the norm: a residual counts as small up to ROUNDING * eps * |A|, and the products,
    # the coefficients and the rotation to eigenvectors, sums over n numbers, each add up to
    # n * eps * |A| to it. The eigenvalues are no further off than their residuals.
    eps, size = np.finfo(dtype).eps, len(eigenvalues)
    norm = eigenvalues.max()
    small = (ROUNDING + 3 * size) * eps * norm
    assert (pairs.residuals <= ROUNDING * eps * norm * (1 + size * eps)).all()
    residuals = np.linalg.norm(matrix @ pairs.vectors.T - pairs.vectors.T * pairs.values, axis=0)
    assert residuals.max() <= small
    true = np.sort(eigenvalues)[::-1][:rank]
    np.testing.assert_allclose(pairs.values, true, rtol=0, atol=small)
    assert (true <= pairs.upper + small).all()
    assert (pairs.upper <= pairs.values + small).all()
    # After two passes each inner product of two vectors is a rounding error of a sum of n numbers.
    assert np.abs(pairs.vectors @ pairs.vectors.T - np.eye(rank)).max() <= 4 * size * eps


@pytest.mark.parametrize("name", ["slowly decaying", "three copies"])
def test_residuals_are_those_of_the_eigenpairs(name):
    matrix, _ = matrix_with(SPECTRA[name])
    pairs = lanczos(
        lambda v: matrix @ v, 60, 8, seed=0, tolerance=0.05, max_products=60, dtype=np.float64
    )
    residuals = np.linalg.norm(matrix @ pairs.vectors.T - pairs.vectors.T * pairs.values, axis=0)
    np.testing.assert_allclose(pairs.residuals, residuals, rtol=1e-6, atol=1e-14)
    assert (residuals <= 0.05 * pairs.values).all()
    assert residuals.max() > 1e-9, "the iteration ran longer than asked"


def test_stops_early_when_the_tolerance_is_met():
    matrix, _ = matrix_with(0.7 ** np.arange(200))
    pairs = lanczos(lambda v: matrix @ v, 200, 5, seed=0, max_products=200, dtype=np.float64)
    assert pairs.num_products < 40
    assert pairs.converged


def test_says_when_the_budget_was_too_small():
    matrix, _ = matrix_with(1 / (1.0 + np.arange(200)))
    pairs = lanczos(
        lambda v: matrix @ v, 200, 10, seed=0, tolerance=1e-9, max_products=12, dtype=np.float64
    )
    assert pairs.num_products == 12
    assert not pairs.converged


def test_says_when_the_budget_was_too_small_to_verify():
    """The pairs are found, but nobody has looked for others yet."""
    matrix, _ = matrix_with(0.7 ** np.arange(200))

    def run(max_products):
        return lanczos(
            lambda v: matrix @ v, 200, 5, seed=0, max_products=max_products, dtype=np.float64
        )

    whole = run(None)
    assert whole.converged
    assert (whole.upper <= 1.01 * whole.values).all()
    for fewer in range(5, whole.num_products):
        pairs = run(fewer)
        assert not pairs.converged
        assert (0.7 ** np.arange(5) <= pairs.upper + 1e-12).all()
    assert (pairs.residuals <= 0.01 * pairs.values).all()
    assert np.isinf(run(8).upper).all()


def test_more_copies_than_directions_so_far_are_found():
    """Each random direction adds one copy of each eigenvalue."""
    spectrum = np.repeat(0.7 ** np.arange(40), 4)
    pairs = lanczos(
        lambda v: spectrum * v, 160, 4, seed=1, max_products=100, dtype=np.float64, tolerance=1e-6
    )
    assert pairs.converged
    np.testing.assert_allclose(pairs.values, 1.0, rtol=1e-6)


def test_certainty_costs_few_products():
    diagonal = 1 / (1.0 + np.arange(2000)) ** 2

    def products(failure_probability):
        return lanczos(
            lambda v: diagonal * v,
            2000,
            10,
            seed=0,
            failure_probability=failure_probability,
            dtype=np.float64,
        ).num_products

    assert products(1e-2) < products(1e-8) <= products(1e-2) + 12


@settings(max_examples=50, deadline=None)
@given(
    eigenvalues=st.lists(st.floats(0.01, 10.0), min_size=3, max_size=15),
    copies=st.integers(1, 3),
    seed=st.integers(0, 2**32 - 1),
)
# Two starts meet 9, 8.75, 8.625 and 8.5 once each, with small residuals.
@example(eigenvalues=[4.0, 8.625, 8.0, 9.0, 1.5, 2.0, 5.0, 8.5, 8.75, 0.5, 1.0], copies=2, seed=0)
def test_all_copies_of_all_eigenvalues_are_found(eigenvalues, copies, seed):
    spectrum = np.repeat(eigenvalues, copies)
    matrix, _ = matrix_with(spectrum, seed % 100)
    rank = min(len(spectrum), 2 + copies)
    pairs = lanczos(
        lambda v: matrix @ v,
        len(spectrum),
        rank,
        seed=seed,
        tolerance=1e-9,
        max_products=len(spectrum),
        dtype=np.float64,
    )
    assert pairs.converged
    np.testing.assert_allclose(pairs.values, np.sort(spectrum)[::-1][:rank], rtol=1e-7)


def crowded_spectrum(random):
    """Return 16 to 40 eigenvalues with clusters and copies, of one of four kinds."""
    size = int(random.integers(16, 41))
    values = [
        random.uniform(0.5, 1, size),
        random.uniform(0.3, 0.95) ** np.arange(size),
        np.repeat(random.uniform(0.1, 1, size), random.integers(1, 5)),
        np.round(random.uniform(1, 10, size) * 8) / 8,
    ][random.integers(4)]
    values = np.repeat(values[:size], random.integers(1, 4, size))[:size]
    return values * (1 + 10 ** random.uniform(-14, -2) * random.uniform(0, 1, size))


@pytest.mark.slow
def test_converged_pairs_are_the_leading_ones_of_5000_crowded_spectra():
    """Each is wrong with a probability of at most 1e-6, so one of 5,000 with one of 0.005."""
    stopped_early = 0
    for case in range(5000):
        random = np.random.default_rng(case)
        spectrum = crowded_spectrum(random)
        size, rank = len(spectrum), int(random.integers(1, 7))
        tolerance = 10 ** random.uniform(-9, -1)
        matrix, _ = matrix_with(spectrum, case)
        pairs = lanczos(
            lambda v, matrix=matrix: matrix @ v,
            size,
            rank,
            seed=case,
            tolerance=tolerance,
            failure_probability=1e-6,
            max_products=size,
            dtype=np.float64,
        )
        true = np.sort(spectrum)[::-1][:rank]
        # Products, coefficients and Ritz values are sums of n numbers, as above.
        rounding = 3 * size * np.finfo(float).eps * true[0]
        assert pairs.converged, case
        assert (pairs.values <= true + rounding).all(), case
        assert (true <= pairs.upper + rounding).all(), case
        allowed = np.maximum(tolerance * pairs.values, ROUNDING * np.finfo(float).eps * true[0])
        assert (true - pairs.values <= allowed + rounding).all(), case
        stopped_early += pairs.num_products < size
    # Whoever multiplies as often as there are dimensions is always right.
    assert stopped_early > 1500


def test_a_basis_in_bfloat16_has_nearly_the_same_eigenvalues():
    matrix, _ = matrix_with(0.8 ** np.arange(300))
    matrix = matrix.astype(np.float32)
    pairs = lanczos(lambda v: matrix @ v, 300, 8, seed=0, basis_dtype=ml_dtypes.bfloat16)
    np.testing.assert_allclose(pairs.values, 0.8 ** np.arange(8), rtol=5e-3)
    assert pairs.vectors.dtype == ml_dtypes.bfloat16
    exact = lanczos(lambda v: matrix @ v, 300, 8, seed=0)
    overlap = np.linalg.svd(exact.vectors @ pairs.vectors.astype(np.float32).T)[1]
    assert overlap.min() > 0.99


@pytest.mark.parametrize("basis_dtype", [np.float32, ml_dtypes.bfloat16])
def test_a_basis_on_disk_equals_one_in_memory(tmp_path, basis_dtype):
    matrix, _ = matrix_with(0.8 ** np.arange(100))
    matrix = matrix.astype(np.float32)
    options = {"seed": 0, "basis_dtype": basis_dtype}
    memory = lanczos(lambda v: matrix @ v, 100, 6, **options)
    disk = lanczos(lambda v: matrix @ v, 100, 6, basis_path=tmp_path / "basis", **options)
    np.testing.assert_array_equal(disk.vectors.view(np.uint8), memory.vectors.view(np.uint8))
    assert [file.name for file in tmp_path.iterdir()] == ["basis"]
    assert (tmp_path / "basis").stat().st_size == disk.vectors.nbytes


class Killed(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize("basis_dtype", [np.float32, ml_dtypes.bfloat16])
def test_a_killed_iteration_continues_bit_for_bit(tmp_path, monkeypatch, basis_dtype, on_disk):
    monkeypatch.setattr("slugkit.linalg.checkpoint.SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    matrix, _ = matrix_with(SPECTRA["three copies"])
    matrix = matrix.astype(np.float32)
    options = {"seed": 0, "max_products": 60, "tolerance": 1e-4, "basis_dtype": basis_dtype}
    whole = lanczos(lambda v: matrix @ v, 60, 9, **options)
    path = tmp_path / "basis" if on_disk else None
    calls = []

    def kill(done, total, message):
        calls.append(done)
        if len(calls) % 9 == 0:
            raise Killed

    for _ in range(100):
        try:
            resumed = lanczos(
                lambda v: matrix @ v,
                60,
                9,
                checkpoint=tmp_path / "state",
                basis_path=path,
                progress=kill,
                **options,
            )
            break
        except Killed:
            continue
    assert calls.count(1) == 1
    assert len(calls) > 9
    np.testing.assert_array_equal(resumed.vectors.view(np.uint8), whole.vectors.view(np.uint8))
    np.testing.assert_array_equal(resumed.values, whole.values)
    np.testing.assert_array_equal(resumed.residuals, whole.residuals)


def test_checkpoints_of_other_matrices_and_broken_files_are_refused(tmp_path):
    options = {"seed": 0, "checkpoint": tmp_path / "state", "basis_path": tmp_path / "basis"}

    def run(digest):
        matrix, _ = matrix_with(0.5 ** np.arange(30))
        return lanczos(lambda v: matrix @ v, 30, 3, digest=digest, **options)

    run("a")
    with pytest.raises(InputError, match="belongs to other parameters"):
        run("b")
    scratch = tmp_path / "basis.lanczos"
    scratch.write_bytes(scratch.read_bytes()[:100])
    with pytest.raises(InputError, match=r"has 100 bytes instead of \d+"):
        run("a")
    (tmp_path / "state").write_bytes(b"PK")
    with pytest.raises(InputError, match="cannot be read"):
        lanczos(lambda v: v, 30, 3, seed=0, checkpoint=tmp_path / "state")


@pytest.mark.parametrize(
    ("rank", "options", "message"),
    [
        (-1, {}, "rank is -1"),
        (11, {}, "rank is 11"),
        (5, {"max_products": 4}, "max_products is 4"),
        (7, {}, "only 6 eigenvalues above rounding errors; ask for rank=6"),
    ],
)
def test_refuses_bad_input(rank, options, message):
    diagonal = np.r_[np.ones(6), np.zeros(4)]
    with pytest.raises(InputError, match=message):
        lanczos(lambda v: diagonal * v, 10, rank, seed=0, dtype=np.float64, **options)


def test_refuses_a_file_in_a_folder_that_is_not_there(tmp_path):
    path = tmp_path / "absent" / "basis"
    with pytest.raises(InputError, match=f"cannot be kept in {path}"):
        lanczos(lambda v: v, 10, 2, seed=0, basis_path=path)


@pytest.mark.parametrize("rank", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("seed", range(4))
def test_of_a_cluster_the_next_one_is_found(rank, seed):
    diagonal = np.r_[np.full(8, 3.0), 0.5 ** np.arange(60)]
    pairs = lanczos(lambda v: diagonal * v, 68, rank, seed=seed, dtype=np.float64)
    np.testing.assert_allclose(pairs.values, 3, rtol=1e-4)
    assert pairs.converged
    assert pairs.following == pytest.approx(3, rel=1e-2)
    assert pairs.following_residual < 0.3


def test_a_whole_cluster_is_followed_by_what_is_smaller():
    diagonal = np.r_[np.full(8, 3.0), 0.5 ** np.arange(60)]
    pairs = lanczos(lambda v: diagonal * v, 68, 8, seed=0, dtype=np.float64)
    np.testing.assert_allclose(pairs.values, 3, rtol=1e-4)
    assert 0.5 < pairs.following <= 1 + 1e-9


def test_where_nothing_comes_next_nothing_is_said():
    pairs = lanczos(lambda v: np.arange(1, 5) * v, 4, 4, seed=0, dtype=np.float64)
    assert np.isnan(pairs.following)


def test_refuses_products_that_are_not_finite():
    with pytest.raises(InputError, match="product number 1 with the matrix is not finite"):
        lanczos(lambda v: v * np.nan, 10, 2, seed=0)


def test_rank_zero_takes_no_product():
    pairs = lanczos(lambda v: 1 / 0, 10, 0, seed=0)
    assert pairs.vectors.shape == (0, 10)
    assert pairs.num_products == 0
