import json

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from companion.paths import RunPaths
from companion.pipeline import status

RECORD = {
    "profile": "mine",
    "duration_seconds": 4.0,
    "processor_seconds": 6.0,
    "peak_memory_megabytes": 512,
    "hardware": {"processor": "a processor", "cores": 2},
    "commit": "0123456789",
    "dirty": True,
    "outputs": {"first": "f" * 64, "second": "e" * 64},
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr(RunPaths, "root", property(lambda self: tmp_path / self.profile))
    for step, seed, folder in (
        ("scores", 0, "A"),
        ("sketch", 0, "B"),
        ("train", 1, "A"),
        ("train", 0, "A"),
        ("prepare", 0, "data"),
    ):
        path = tmp_path / "mine" / f"seed{seed}" / folder / f"{step}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset = {} if folder == "data" else {"dataset": folder}
        record = {**RECORD, **dataset, "step": step, "seed": seed}
        if step == "sketch":  # of a run from before processor time was counted
            del record["processor_seconds"]
        path.write_text(json.dumps(record))
    # Not a record of a step.
    (tmp_path / "mine" / "seed0" / "data" / "other.json").write_text("{}")
    return status.jobs("mine", ["prepare", "train", "curvature", "scores"])


def test_every_job_has_a_row_in_the_order_of_the_graph(run):
    assert list(run["step"]) == ["prepare", "train", "train", "scores", "sketch"]
    assert list(run["seed"]) == [0, 0, 1, 0, 0]
    assert list(run["data set"]) == ["", "A", "A", "A", "B"]
    first = run.iloc[0]
    assert (first["seconds"], first["memory GB"], first["digest"]) == (4.0, 0.5, "f" * 12)
    assert run["processor seconds"].to_list()[:4] == [6.0] * 4
    assert run["processor seconds"].isna().to_list() == [False] * 4 + [True]
    assert (first["hardware"], first["commit"]) == ("a processor, 2 cores", "0123456+")


def test_steps_are_summed_over_their_jobs(run):
    row = status.by_step(run).loc[("mine", "train")]
    assert row["jobs"] == 2
    assert row["minutes of all"] == 0.1
    assert row["median seconds"] == 4.0
    assert row["processor minutes"] == 0.2
    assert row["memory GB"] == 0.5


def test_the_whole_of_a_run_stands_after_its_steps_with_the_part_that_has_its_own_setting(run):
    inside = run.assign(profile="mine/ablation").iloc[:2]
    other = run.assign(profile="other").iloc[:1]
    table = status.by_step(pd.concat([run, other, inside]))
    assert [place for place in table.index if place[1] == status.ALL] == [
        ("mine", status.ALL),
        ("other", status.ALL),
    ]
    assert list(table.index).index(("mine/ablation", "train")) < table.index.get_loc(
        ("mine", status.ALL)
    )
    assert table.loc[("mine", status.ALL), "jobs"] == 7
    assert table.loc[("other", status.ALL), "processor minutes"] == 0.1
    # One job has none in its record: a sum of the others would be too small.
    assert np.isnan(table.loc[("mine", status.ALL), "processor minutes"])


def test_before_the_first_job_every_table_is_empty(tmp_path, monkeypatch):
    monkeypatch.setattr(RunPaths, "root", property(lambda self: tmp_path / self.profile))
    table = status.jobs("mine", ["prepare"])
    assert list(table) == list(status.COLUMNS)
    assert table.empty
    assert status.by_step(table).empty


def test_the_figure_has_a_mark_for_each_job(run):
    figure, axis = plt.subplots()
    status.durations(axis, run)
    assert sum(len(line.get_xdata()) for line in axis.lines) == 5
    assert [label.get_text() for label in axis.get_yticklabels()] == [
        "prepare",
        "train",
        "scores",
        "sketch",
    ]
    plt.close(figure)


def test_the_recorded_runs_of_other_profiles_stand_beside():
    table = status.jobs("no run of its own", [])
    assert {"reduced"} <= set(table["profile"])
    assert {"prepare", "train", "curvature", "scores"} <= set(table["step"])
