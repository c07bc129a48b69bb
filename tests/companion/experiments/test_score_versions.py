"""Versions of the score: the choice sees one half only; each version is what it says."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.experiments.ablation.versions import (
    TRIVIAL,
    best_baseline,
    choose,
    half_of,
    layer_scales,
    sigmoid_slope,
    trivial_scores,
)
from companion.statistics.metrics import over_seeds, partial_spearman, spearman
from slugkit.data.synthesis.synthetic import generate
from slugkit.model.vae import Architecture, initialise
from slugkit.operators.parameters import flatten

VERSIONS = ("good", "poor")


def made_up(seeds=(0, 1), images=60):
    """A table in which the baseline kl and the version "good" follow the error."""
    random = np.random.default_rng(5)
    parts = []
    for seed in seeds:
        mse = random.gamma(2, size=images)
        table = pd.DataFrame({name: random.normal(size=images) for name in TRIVIAL})
        names = [f"patient {i // 2}" for i in range(images)]
        parts.append(
            table.assign(
                seed=seed,
                group=names,
                half=half_of(names),
                mse=mse,
                kl=-mse + 0.8 * random.normal(size=images),
                good=(mse + 0.5 * random.normal(size=images)) * 10**seed,
                poor=random.normal(size=images),
            )
        )
    return pd.concat(parts, ignore_index=True)


def test_the_choice_finds_what_follows_the_error():
    assert choose(made_up(), VERSIONS) == ("good", "kl")


def test_the_choice_never_sees_the_other_half():
    table = made_up()
    other = table["half"] == "confirm"
    assert 10 < other.sum() < len(table) - 10
    spoilt = table.copy()
    spoilt.loc[other, [*VERSIONS, *TRIVIAL, "mse"]] = np.nan
    assert choose(spoilt, VERSIONS) == choose(table, VERSIONS)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=20))
def test_a_patient_is_in_the_same_half_whoever_else_is_there(groups):
    assert half_of(groups) == [half_of([group])[0] for group in groups]


def test_the_halves_are_about_equal():
    halves = half_of(f"PAT_{i}" for i in range(2000))
    assert 900 < halves.count("choose") < 1100


def test_a_negative_correlation_counts_as_much_as_a_positive_one():
    table = made_up(seeds=(0,))
    assert spearman(table["kl"], table["mse"]) < -0.4
    assert best_baseline(table) == "kl"


def test_ranks_are_taken_within_each_seed():
    table = made_up()
    columns = [table[name].to_numpy(float) for name in ("good", "mse", "kl")]
    found = over_seeds(partial_spearman)(*columns, table["seed"].to_numpy())
    apart = [
        partial_spearman(rows["good"], rows["mse"], rows["kl"]) for _, rows in table.groupby("seed")
    ]
    assert found == pytest.approx(np.mean(apart))


def test_the_slope_is_the_derivative_of_the_sigmoid():
    logits = np.linspace(-4, 4, 9)
    values = 1 / (1 + np.exp(-logits))
    nearby = 1 / (1 + np.exp(-(logits + 1e-6)))
    np.testing.assert_allclose(sigmoid_slope(values), (nearby - values) / 1e-6, rtol=1e-4)


def test_a_layer_has_one_scale_its_root_mean_square():
    parameters = flatten({"a": np.array([3.0, -4.0], np.float32), "b": np.zeros(3, np.float32)})
    np.testing.assert_allclose(layer_scales(parameters), [12.5**0.5] * 2 + [0] * 3, rtol=1e-6)


def test_the_trivial_scores_are_what_they_are_called():
    model = initialise(Architecture(16, (4, 6), "spatial", 2, 0.01), seed=1)
    train = generate([1, 2, 3, 4], 16, seed=0)
    flat = np.full((1, 16, 16, 3), 0.5, np.float32)
    striped = flat.copy()
    striped[:, :, ::2] = 0.6
    images = np.concatenate([train[2:3], flat, striped])
    found = trivial_scores(model, train, images, batch_size=4)
    assert set(found) == set(TRIVIAL)
    assert all(values.shape == (3,) for values in found.values())
    assert found["edge_energy"][1] == 0
    assert found["edge_energy"][2] == pytest.approx(16 * 15 * 3 * 0.01, rel=1e-4)
    assert found["nearest_training_distance"][0] == 0
    expected = np.sum((train - flat) ** 2, axis=(1, 2, 3)).min()
    assert found["nearest_training_distance"][1] == pytest.approx(expected, rel=1e-5)
    mean, standard_deviation = model.encode()(model.params, images)
    axes = (1, 2, 3)
    np.testing.assert_allclose(found["norm_of_mean"], np.sum(mean**2, axis=axes), rtol=1e-5)
    divergence = 0.5 * np.sum(
        mean**2 + standard_deviation**2 - 1 - 2 * np.log(standard_deviation), axis=axes
    )
    np.testing.assert_allclose(found["kl"], divergence, rtol=1e-4)
