"""What is outside of a sketched basis, against the dense projector in float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slugkit.linalg.sketch import make_sketch, sketch_for
from slugkit.linalg.sketched_basis import SketchedBasis

KINDS = ("srft", "sparse")
LENGTH = 600


def problem(removed, directions, seed=0, length=LENGTH):
    """Return orthonormal directions (m, p) and a vector of which they hold a fraction."""
    random = np.random.default_rng(seed)
    u, _ = np.linalg.qr(random.normal(size=(length, directions)))
    outside = random.normal(size=length)
    outside -= u @ (u.T @ outside)
    inside = u @ random.normal(size=directions)
    outside /= np.linalg.norm(outside)
    inside *= np.sqrt(removed / (1 - removed)) / np.linalg.norm(inside)
    return u.T, inside + outside


def sketched(u, kind, size, seed):
    sketch = make_sketch(kind, u.shape[1], size, seed)
    q, _ = np.linalg.qr(sketch(u).T)
    return SketchedBasis(sketch, q.T)


@settings(max_examples=60, deadline=None)
@given(
    removed=st.floats(0, 1 - 1e-9),
    directions=st.integers(1, 40),
    size=st.integers(60, LENGTH),
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 2**31),
)
def test_the_error_is_that_of_the_embedding_whatever_is_removed(
    removed, directions, size, kind, seed
):
    u, g = problem(removed, directions, seed)
    basis = sketched(u, kind, size, seed)
    outside = g - (u @ g) @ u
    span = np.vstack([u, outside / np.linalg.norm(outside)])
    singular = np.linalg.svd(basis.sketch(span), compute_uv=False) ** 2
    found = float(basis.squared_residuals(g[None])[0]) * basis.kept
    truth = float(outside @ outside)
    assert found >= 0
    slack = 1e-6 * truth
    assert min(singular) * truth - slack <= found <= max(singular) * truth + slack


@pytest.mark.parametrize("removed", [0.0, 0.999999])
@pytest.mark.parametrize("size", [40, 300])
@pytest.mark.parametrize("kind", KINDS)
def test_mean_and_variance_over_sketches_are_those_stated(kind, size, removed):
    u, g = problem(removed, 15)
    bases = [sketched(u, kind, size, seed) for seed in range(150)]
    found = np.array([basis.squared_residuals(g[None])[0] for basis in bases])
    error = found.std(ddof=1) / np.sqrt(len(found))
    assert abs(found.mean() - 1) < 4 * error + 0.02  # the sparse one is low by about a hundredth
    assert found.var(ddof=1) == pytest.approx(bases[0].relative_variance, rel=0.6)


def test_an_orthogonal_sketch_gives_the_exact_residual():
    u, g = problem(0.99, 10, length=128)  # 128 is not padded
    basis = sketched(u, "srft", 128, 0)
    assert basis.kept == pytest.approx(1)
    assert basis.relative_variance == 0
    np.testing.assert_allclose(basis.squared_residuals(g[None]), 1, rtol=1e-9)


def test_the_published_difference_loses_what_the_residual_keeps():
    u, g = problem(0.999, 20)
    bases = [sketched(u, "srft", 300, seed) for seed in range(40)]
    residuals = np.array([basis.squared_residuals(g[None])[0] for basis in bases])
    differences = np.array([g @ g - basis.norm_inside(g[None])[0] for basis in bases])
    assert np.abs(residuals - 1).max() < 0.5
    assert (differences < 0).any()


@pytest.mark.parametrize("wanted", [0.05, 0.1, 0.3])
def test_the_size_for_an_error_keeps_it(wanted):
    u, g = problem(0.95, 25, length=20_000)
    sketches = [
        sketch_for(25, 20_000, kind="sparse", size=None, relative_error=wanted, seed=seed)
        for seed in range(30)
    ]
    assert {one.size for one in sketches} == {25 + int(np.ceil(2 / wanted**2))}
    found = []
    for sketch in sketches:
        q, _ = np.linalg.qr(sketch(u).T)
        found.append(SketchedBasis(sketch, q.T).squared_residuals(g[None])[0])
    assert np.std(found) < 1.6 * wanted
