import json

import pytest

from companion.config import Profile, load_profile
from companion.pipeline import step_costs
from companion.pipeline.plan import describe, plan, taken, with_workers
from companion.pipeline.step_costs import FEW_IMAGES, StepCost, StepCosts, measure

# A second for a batch of 64 images, and so on.
ALL = StepCost(1.0, images=64), StepCost(10.0, images=16), StepCost(100.0, images=16)
COSTS = StepCosts(*ALL)


def test_hours_are_the_steps_times_what_each_costs():
    table = plan(load_profile("paper"), COSTS)
    # 3 data sets, 10 runs, 1,000 epochs of 26 batches of 64 images.
    assert table.loc["train", "jobs"] == 30
    assert table.loc["train", "hours"] == pytest.approx(30 * 1000 * 26 / 3600)
    seconds = 30 * 1668 / 16 * (150 * 10 + 50 * 100)
    assert table.loc["curvature", "hours"] == pytest.approx(seconds / 3600)


def test_parts_of_the_ablation_take_the_costs_of_its_own_network():
    paper = load_profile("paper")
    in_laboratory = ["laboratory", "ablation", "score_versions"]
    assert plan(paper, COSTS).loc[in_laboratory, "hours"].isna().all()
    cheaper = StepCosts(*(StepCost(cost.seconds / 4, images=cost.images) for cost in ALL))
    whole, quarter = (plan(paper, COSTS, costs)["hours"] for costs in (COSTS, cheaper))
    assert (whole / quarter)[in_laboratory].to_list() == pytest.approx([4, 4, 4])
    assert whole["comparisons"] == quarter["comparisons"]


def test_what_a_run_took_is_found_once_all_jobs_of_a_part_are_done(tmp_path, monkeypatch):
    profile = load_profile("quick")
    monkeypatch.setattr(
        "companion.pipeline.status.RunPaths", lambda name, *_: RunsAt(tmp_path / name)
    )
    assert taken(profile).drop("notebooks", errors="ignore").empty
    for number, dataset in enumerate("ABC"):
        _write_record(tmp_path / f"quick/seed0/{dataset}/train.json", "train", dataset, 3600, 1024)
        if number < 2:
            assert "train" not in taken(profile).index
    _write_record(tmp_path / "quick/seed0/B/comparisons.json", "comparisons", "B", 1800, 2048)
    found = taken(profile)
    assert found.loc["train"].to_list() == [3.0, 1.0]
    assert found.loc["comparisons"].to_list() == [0.5, 2.0]
    assert "objects" not in found.index


class RunsAt:
    def __init__(self, root):
        self.root = root


def _write_record(path, step, dataset, seconds, megabytes):
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {
        "profile": "quick",
        "step": step,
        "seed": 0,
        "dataset": dataset,
        "duration_seconds": seconds,
        "peak_memory_megabytes": megabytes,
        "hardware": {"processor": "abacus", "cores": 2},
        "commit": "0" * 40,
        "dirty": False,
        "outputs": {"model.msgpack": "0" * 64},
    }
    path.write_text(json.dumps(record))


def test_workers_share_the_jobs_of_a_part():
    table = plan(load_profile("paper"), COSTS).loc[["train", "curvature", "scores"]]
    assert with_workers(table, 1) == pytest.approx(table["hours"].sum())
    assert with_workers(table, 4) == pytest.approx(table["hours"].sum() * 8 / 30)
    assert with_workers(table, 100) == pytest.approx(table["hours"].sum() / 30)


@pytest.fixture(scope="module")
def smallest():
    """The quick profile with a small network, the same in the ablation, and small batches."""
    settings = load_profile("quick").model_dump()
    settings["data"]["image_size"] = 16
    settings["model"] |= {"widths": (4,), "latent": "spatial", "latent_size": 2}
    settings["training"] |= {"batch_size": FEW_IMAGES}
    settings["scores"] |= {"batch_size": FEW_IMAGES}
    settings["curvature"] |= {"batch_size": 4 * FEW_IMAGES}
    same = {name: settings[name] for name in ("model", "training", "curvature")}
    settings["experiments"]["ablation"] |= {**same, "image_size": 16, "train": 64, "networks": ()}
    return Profile(**settings)


@pytest.fixture(scope="module")
def costs(smallest):
    return measure(smallest)


def without_ablation(profile):
    experiments = profile.experiments.model_copy(update={"ablation": None})
    return profile.model_copy(update={"experiments": experiments})


def test_measured_steps_make_a_plan_that_names_its_parts(smallest):
    text = describe(smallest, workers=2)
    for word in (
        "train",
        "curvature",
        "scores",
        "sketch",
        "comparisons",
        "objects",
        "laboratory",
        "ablation",
        "others",
        "notebooks",
        "whole",
        "With 2 workers",
        "With the network of the ablation",
    ):
        assert word in text
    assert "GPU: not measured" in text
    assert "WARNING" not in text


def test_a_step_takes_time_and_memory(costs):
    for cost in (costs.training_step, costs.ggn_product, costs.jacobian_product):
        assert cost.seconds > 0
        assert cost.memory > 30_000 * cost.images
        assert cost.images_timed == cost.images


def test_a_step_that_does_not_fit_is_timed_on_fewer_images_and_named(smallest, costs, monkeypatch):
    free = costs.ggn_product.memory
    monkeypatch.setattr(step_costs, "free_memory", lambda device: free)
    monkeypatch.setattr("companion.pipeline.plan.free_memory", lambda device: free)
    text = describe(without_ablation(smallest), workers=2)
    assert "scaled up from 4 images" in text
    assert "WARNING: curvature needs" in text
    assert "Lower its batch_size" in text


def test_more_images_at_once_need_more_memory(smallest, costs):
    half = smallest.model_copy(
        update={"curvature": smallest.curvature.model_copy(update={"batch_size": FEW_IMAGES})}
    )
    assert measure(half).ggn_product.memory < 0.5 * costs.ggn_product.memory
