"""The benchmark with foreign objects: masks, metrics against scikit-learn, paired changes."""

import jax
import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from companion.experiments.objects.measure import METHODS, measure, plainest
from companion.experiments.objects.observer import observer
from companion.experiments.objects.tables import rising, separation
from slugkit import slug
from slugkit.data.synthesis.foreign_objects import overlay_each
from slugkit.data.synthesis.synthetic import generate
from slugkit.model.vae import Architecture, initialise

KEY = jax.random.key(3)
KINDS, SCALES, CONTRASTS = ("ink", "patch"), (1.0, 1.5), (0.4, 1.0)


@pytest.fixture(scope="module")
def images():
    return generate([1, 3, 5], 16, seed=4)


@pytest.fixture(scope="module")
def observe(images):
    model = initialise(Architecture(16, (4,), "spatial", 2, 0.01), seed=1)
    posterior = slug.fit(model.reconstruct(), model.params, images, rank=2, key=KEY)
    return observer(model, posterior, num_samples=6, key=KEY, batch_size=4)


@pytest.fixture(scope="module")
def table(observe, images):
    return measure(
        observe,
        images,
        ["a", "b", "c"],
        kinds=KINDS,
        scales=SCALES,
        contrasts=CONTRASTS,
        seed=7,
    )


def test_there_is_one_row_for_every_image_object_and_method(table):
    assert len(table) == 3 * 2 * 2 * 2 * 2
    keys = ["image_id", "kind", "scale", "contrast", "method"]
    assert not table.duplicated(keys).any()
    assert set(table["method"]) == set(METHODS)


def test_metrics_are_those_of_scikit_learn_with_the_exact_mask(table, observe, images):
    changed, masks = overlay_each(images, ["patch"] * 3, 7, 1.5, 0.4)
    found = observe(changed)
    rows = table[(table["kind"] == "patch") & (table["scale"] == 1.5) & (table["contrast"] == 0.4)]
    for place, name in enumerate("abc"):
        mask = np.any(changed[place] != images[place], axis=-1)
        np.testing.assert_array_equal(mask, masks[place])
        for method in METHODS:
            map_ = found[method].maps[place]
            (row,) = rows[(rows["image_id"] == name) & (rows["method"] == method)].to_dict(
                "records"
            )
            assert row["covered"] == pytest.approx(mask.mean())
            assert row["auroc"] == pytest.approx(roc_auc_score(mask.ravel(), map_.ravel()))
            assert row["average_precision"] == pytest.approx(
                average_precision_score(mask.ravel(), map_.ravel())
            )
            assert row["inside"] == pytest.approx(map_[mask].mean())
            assert row["outside"] == pytest.approx(map_[~mask].mean())


def test_the_squared_error_is_that_of_the_reconstruction(observe, images):
    error = observe(images)["squared_error"]
    np.testing.assert_allclose(error.maps.sum(axis=(1, 2)), error.scores, rtol=1e-6)
    assert error.maps.min() >= 0


def test_an_object_without_an_effect_changes_nothing_at_all(observe, images):
    before, after = observe(images), observe(images.copy())
    with_object, _ = overlay_each(images, ["patch"] * 3, 7)
    changed = observe(with_object)
    for method in METHODS:
        np.testing.assert_array_equal(after[method].scores, before[method].scores)
        np.testing.assert_array_equal(after[method].maps, before[method].maps)
        assert (changed[method].scores != before[method].scores).all()


def test_each_image_is_compared_with_itself(table):
    for _, rows in table.groupby(["image_id", "method"]):
        assert rows["clean_score"].nunique() == 1
    assert table.groupby("method")["clean_score"].nunique().eq(3).all()


def test_the_plainest_rows_have_the_usual_size_and_the_full_contrast(table):
    rows = plainest(table)
    assert set(rows["scale"]) == {1.0}
    assert set(rows["contrast"]) == {1.0}
    assert len(rows) == 3 * 2 * 2


def test_separation_is_the_mean_over_images_of_the_curves_of_scikit_learn():
    random = np.random.default_rng(0)
    with_object, without = random.integers(0, 9, 12) + 1.0, random.integers(0, 9, 12).astype(float)
    expected = []
    for i, score in enumerate(with_object):
        others = np.delete(without, i)
        expected.append(roc_auc_score([1] + [0] * 11, [score, *others]))
    found = separation(with_object, without, np.arange(12), np.zeros(12))
    assert found == pytest.approx(np.mean(expected))


def test_separation_compares_only_what_one_network_has_scored():
    with_object, without = np.array([2.0, 3.0, 200.0, 300.0]), np.array([1.0, 2.5, 100.0, 250.0])
    images, seeds = np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
    assert separation(with_object, without, images, seeds) == 0.5
    assert np.isnan(separation(with_object[:1], without[:1], images[:1], seeds[:1]))


def test_the_share_that_rises_looks_at_pairs_and_not_at_levels():
    without = np.array([1.0, 100.0, 10.0])
    places, seeds = np.arange(3), np.zeros(3)
    assert rising(without + 0.1, without) == 1.0
    assert separation(without + 0.1, without, places, seeds) == pytest.approx(0.5)
    assert rising(without, without) == 0.0
