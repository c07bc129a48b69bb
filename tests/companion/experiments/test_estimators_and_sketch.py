"""The estimators against each other on a small model, and what is read off their errors."""

import jax
import numpy as np
import pandas as pd
import pytest
from small_model import KEY, apply, make_images, make_params

from companion.experiments.estimators import measure as estimators
from companion.experiments.sketch import analysis, step
from companion.experiments.sketch import measure as sketch
from companion.profiles import load_profile
from slugkit import slug
from slugkit.errors import InputError
from slugkit.linalg.sketch import make_sketch
from slugkit.linalg.sketched_basis import SketchedBasis


def test_every_estimator_is_measured_and_states_its_error():
    posterior = slug.fit(apply, make_params(), make_images(12), rank=3, key=KEY)
    images = make_images(2)
    errors = estimators.measure(
        posterior,
        images,
        score_budgets=[16],
        map_budgets=[16, 64],
        score_repeats=4,
        reference_outputs=1000,
        reference_products=1000,
        key=jax.random.key(1),
    )
    assert set(errors["image_size"]) == {images.shape[1]}
    assert (errors["products"] <= errors["budget"]).all()
    assert (errors["reference_error"] == 0).all()
    # A stated error is one standard deviation, so its ratio to the true one is about 1.
    scores = errors[(errors["quantity"] == "score") & (errors["error"] > 1e-6)]
    assert 0.1 < np.median(scores["error"] / scores["stated_error"]) < 3


def test_the_error_of_a_map_is_that_of_its_outputs():
    posterior = slug.fit(apply, make_params(), make_images(12), rank=3, key=KEY)
    images = make_images(2)
    exact = slug.pixel_variance(posterior, images, num_samples=1, key=KEY, estimator="exact").value
    factors = np.array([1.0, 1.5]).reshape(2, *[1] * (exact.ndim - 1))
    found = estimators.map_errors(posterior, images, factors * exact, outputs=1000, key=KEY)
    np.testing.assert_allclose(found, [0, 0.5], atol=1e-4)


def test_the_ratio_to_bekas_follows_the_root_law():
    rows = [
        (size, "map", name, budget, budget, error)
        for size, name, budget, error in (
            (32, "bekas", 100, 0.9),
            (32, "bekas", 400, 0.4),
            (32, "krylov", 100, 0.1),
            (64, "bekas", 400, 0.8),
            (64, "krylov", 100, 0.1),
        )
    ]
    columns = ["image_size", "quantity", "estimator", "budget", "products", "error"]
    ratio = estimators.bekas_over_krylov(pd.DataFrame(rows, columns=columns))
    # 0.4 after 400 products is 0.1 after 16 times as many, for which ours takes 100.
    np.testing.assert_allclose(ratio.loc[100], [400 * 16 / 100, 400 * 64 / 100])


def krylov(rows=64, removed=0.98, directions=5, seed=0):
    """Return a basis, and vectors of three images of which it holds about so much."""
    random = np.random.default_rng(seed)
    q, _ = np.linalg.qr(random.normal(size=(2000, directions)))
    weights = np.sqrt(removed / directions), np.sqrt((1 - removed) / 2000)
    pulled = weights[0] * random.normal(size=(3, rows, directions)) @ q.T
    pulled += weights[1] * random.normal(size=(3, rows, 2000))
    return q.T, pulled


def test_ratios_are_those_of_the_two_forms_to_the_dense_projector():
    basis, pulled = krylov(rows=4)
    table = sketch.measure(pulled, {7: basis}, kinds=["srft", "sparse"], sizes=[4, 300], repeats=2)
    # A sketch that is not larger than the basis is left out.
    assert set(table["sketch_size"]) == {300}
    assert (table["directions"] == 5).all()
    whole = np.sum(pulled**2, axis=(1, 2))
    outside = np.sum((pulled - pulled @ basis.T @ basis) ** 2, axis=(1, 2))
    for _, row in table.iterrows():
        one = make_sketch(row["sketch"], 2000, 300, row["repeat"])
        q, _ = np.linalg.qr(one(basis).T)
        made, image = SketchedBasis(one, q.T), row["image"]
        residual = made.squared_residuals(pulled[image]).sum() / outside[image]
        published = (whole[image] - made.norm_inside(pulled[image]).sum()) / outside[image]
        np.testing.assert_allclose([row["residual"], row["published"]], [residual, published])
        np.testing.assert_allclose(row["removed"], 1 - outside[image] / whole[image])


def test_the_bases_are_krylov_spaces_without_copies():
    values = np.r_[1e3, 1e2, np.linspace(0.1, 1, 58)].astype(np.float32)
    bases = sketch.krylov_bases(lambda v: values * v, 60, [3, 40], seed=0)
    start = np.random.default_rng(0).standard_normal(60, np.float32)
    powers = np.stack([values.astype(float) ** j * start for j in range(3)])
    q, _ = np.linalg.qr(powers.T)
    np.testing.assert_allclose(bases[3].T @ bases[3], q @ q.T, atol=1e-4)
    assert len(bases[40]) < 40
    np.testing.assert_allclose(bases[40] @ bases[40].T, np.eye(len(bases[40])), atol=1e-5)


def test_the_needed_size_is_the_one_that_keeps_the_error():
    basis, pulled = krylov(rows=2)
    options = {"kinds": ["srft"], "repeats": 30}
    known = sketch.measure(pulled, {5: basis}, sizes=[50, 100, 200, 400], **options)
    for form, wanted in (("residual", 0.1), ("published", 2.0)):
        size = round(analysis.needed_size(known, form, wanted))
        again = sketch.measure(pulled, {5: basis}, sizes=[size], **options)
        error = np.sqrt(np.mean((again[form] - 1) ** 2))
        assert 0.6 * wanted < error < 1.6 * wanted, form
    large = sketch.measure(pulled, {5: basis}, sizes=[1900], **options)
    assert analysis.needed_sizes(large)["residual, 10%"].isna().all()
    sizes = analysis.needed_sizes(known)
    assert (sizes["residual, 10%"] < sizes["published, 10%"]).all()


def test_the_slope_of_sizes_that_grow_with_the_parameters_is_one():
    rows = [
        {
            "parameters": p,
            "directions": 0,
            "sketch_size": size,
            "image": image,
            "repeat": repeat,
            "published": 1 + sign * np.sqrt(p / size),
            "residual": 1 + sign * np.sqrt(10 / size),
        }
        for p in (10**4, 10**5, 10**6)
        for size in (100, 400)
        for image in range(2)
        for repeat, sign in enumerate((-1, 1))
    ]
    profile = load_profile("quick")
    table = pd.DataFrame(rows)
    assert analysis.growth_of_size(table, "published", 0.1, profile).value == pytest.approx(1)
    assert analysis.growth_of_size(table, "residual", 0.1, profile).value == pytest.approx(0)


def test_smaller_images_are_means_of_squares_of_pixels():
    images = np.random.default_rng(0).uniform(size=(2, 8, 8, 3))
    small = step.smaller(images, 4)
    np.testing.assert_allclose(small[1, 0, 1], images[1, 0:2, 2:4].mean(axis=(0, 1)))
    with pytest.raises(InputError, match="image_size is 3, which does not divide the 8 pixels"):
        step.smaller(images, 3)
