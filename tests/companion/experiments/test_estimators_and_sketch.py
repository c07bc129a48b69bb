"""The estimators against each other on a small model, and what is read off their errors."""

import jax
import numpy as np
import pandas as pd
from small_model import KEY, apply, make_images, make_params

from companion.experiments.estimators import measure as estimators
from companion.experiments.sketch import measure as sketch
from slugkit import slug


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


def test_scores_with_sketched_bases_are_those_of_the_method():
    params, images = make_params(), make_images(2)
    fit = dict(key=KEY, batch_size=8)
    measured = sketch.measure(
        apply,
        params,
        make_images(12),
        images,
        rank=3,
        steps=[5],
        shares=[0.5, 1.0],
        sketches=["srft"],
        num_samples=20,
        **fit,
    )
    size = slug.fit(apply, params, images, rank=0, key=KEY).parameters.size
    made = slug.fit(
        apply,
        params,
        make_images(12),
        rank=5,
        solver=slug.SketchedLanczos(sketch_size=round(0.5 * size)),
        **fit,
    )
    expected = slug.score(made, images, num_samples=20, key=KEY, estimator="hutchinson").value
    np.testing.assert_allclose(measured["score"][measured["share"] == 0.5], expected, rtol=1e-5)
    full = slug.fit(
        apply, params, make_images(12), rank=3, solver=slug.Lanczos(max_products=12), **fit
    )
    expected = slug.score(full, images, num_samples=20, key=KEY, estimator="hutchinson").value
    np.testing.assert_allclose(measured["full_score"], np.tile(expected, 2), rtol=1e-5)
    assert (measured["removed"] > 0).all()
