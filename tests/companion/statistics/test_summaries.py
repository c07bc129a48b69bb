import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from companion.experiments.curvature.analysis import curvature_table
from companion.experiments.scores import figures as plots
from companion.experiments.scores.analysis import cell_table
from companion.experiments.training.analysis import final_losses
from companion.profiles import load_profile
from companion.statistics import summaries


def profile(seeds):
    return load_profile("quick").model_copy(update={"seeds": seeds})


@pytest.fixture
def scores():
    random = np.random.default_rng(0)
    rows = [
        {
            "dataset": dataset,
            "seed": seed,
            "set": group,
            "image_id": f"{group}{i}",
            "fitzpatrick": 1 + i % 2 + 4 * (group == "dark"),
            "mse": 1 + seed + 0.1 * random.random(),
            "slug": 2 + random.random(),
            "encoder_std": random.random(),
        }
        for dataset in "ABC"
        for seed in (0, 1)
        for group in ("light", "dark")
        for i in range(6)
    ]
    return pd.DataFrame(rows)


def test_the_standard_deviation_over_runs_is_that_of_their_means(scores):
    table = cell_table(scores, profile((0, 1)), "mse")
    means = scores[(scores["dataset"] == "A") & (scores["set"] == "dark")].groupby("seed")["mse"]
    expected = means.mean().std()
    assert float(table.loc[("A", "dark"), "mse, standard deviation over runs"]) == pytest.approx(
        expected, rel=0.05
    )
    assert len(table) == 6


def test_one_run_has_no_standard_deviation(scores):
    first = scores[scores["seed"] == 0]
    assert list(cell_table(first, profile((0,)), "mse", "slug")) == ["mse", "slug"]
    table = pd.DataFrame({"dataset": ["A", "B"], "seed": 0, "final_loss": [1.0, 2.0]})
    row = summaries.over_runs(table, profile((0,)), "final_loss").loc[("B", "final loss")]
    assert (row["mean"], row["standard deviation"], row["interval"]) == ("2", "–", "–")


def test_several_runs_have_mean_standard_deviation_and_interval():
    losses = pd.DataFrame(
        {
            "dataset": "A",
            "seed": [0, 0, 1, 1, 2, 2],
            "epoch": [1, 2, 1, 2, 1, 2],
            "negative_elbo": [9.0, 1.0, 9.0, 2.0, 9.0, 3.0],
        }
    )
    final = final_losses(losses)
    assert list(final["final_loss"]) == [1.0, 2.0, 3.0]
    row = summaries.over_runs(final, profile((0, 1, 2)), "final_loss").loc[("A", "final loss")]
    assert (row["runs"], row["mean"], row["standard deviation"]) == (3, "2", "1")
    assert row["interval"] == "1 to 3"


def test_the_figures_show_the_runs_beside_their_mean(scores):
    for draw, faint in (
        (lambda axis, rows, p: plots.by_skin_type(axis, rows, p, "mse", ("light", "dark")), 3),
        (lambda axis, rows, p: plots.rejection(axis, rows[rows["dataset"] == "B"]), 2),
        (lambda axis, rows, p: plots.group_means(axis, rows, p, "mse"), 2),
    ):
        counts = []
        for seeds in ((0,), (0, 1)):
            figure, axis = plt.subplots()
            draw(axis, scores[scores["seed"].isin(seeds)], profile(seeds))
            counts.append(len(axis.lines))
            plt.close(figure)
        assert counts[1] - counts[0] == faint


def test_the_table_of_the_curvature_says_what_was_verified():
    pairs = pd.DataFrame(
        {
            "dataset": ["A", "A", "B", "B"],
            "seed": 0,
            "eigenvalue": [4.0, 1.0, 3.0, 2.0],
            "relative_residual": [1e-9, 1e-3, 1e-9, 1e-4],
            "relative_gap": [1e-9, 1e-4, 1e-9, np.inf],
        }
    )
    traces = pd.DataFrame({"dataset": ["A", "B"], "seed": 0, "products": 9})
    table = curvature_table(pairs, traces, profile((0,)))
    assert list(table.loc[[("A", "share verified"), ("B", "share verified")], "mean"]) == ["1", "0"]
    # Of runs recorded without upper bounds nothing is said.
    older = curvature_table(pairs.drop(columns="relative_gap"), traces, profile((0,)))
    assert set(table.index) - set(older.index) == {("A", "share verified"), ("B", "share verified")}
