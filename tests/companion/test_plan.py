import pytest

from slugkit.companion import step_costs
from slugkit.companion.plan import (
    describe,
    num_parameters_of,
    num_test_images,
    plan,
    with_workers,
)
from slugkit.companion.profile import load_profile, read_profile
from slugkit.companion.step_costs import StepCost, StepCosts, measure

COSTS = StepCosts(StepCost(1.0), StepCost(10.0), StepCost(100.0))


def test_steps_and_hours_of_the_paper_are_those_counted_by_hand():
    paper = load_profile("paper")
    table = plan(paper, COSTS)
    # 3 data sets, 10 runs, 1,000 epochs of 26 batches of 64 images.
    assert table.loc["train", "jobs"] == 30
    assert table.loc["train", "steps"] == 30 * 1000 * 26
    assert table.loc["train", "hours"] == pytest.approx(30 * 1000 * 26 / 3600)
    # 105 batches; 150 products with G and 50 samples of the trace.
    assert table.loc["curvature", "steps"] == 30 * 105 * 200
    assert table.loc["curvature", "hours"] == pytest.approx(30 * 105 * (150 * 10 + 50 * 100) / 3600)
    # 500 samples; 2 x 500 skin images, for B also 4 x 250 external and 6 x 80 + 245 with objects.
    assert num_test_images(paper, "A") == 1000
    assert num_test_images(paper, "B") == 1000 + 1000 + 480 + 245
    assert table.loc["scores", "steps"] == 10 * 500 * (63 + 171 + 63)
    assert table.loc["curvature", "memory_gb"] > 150 * num_parameters_of(paper) * 4e-9


def test_workers_share_the_jobs_of_a_part():
    table = plan(load_profile("paper"), COSTS).loc[["train", "curvature", "scores"]]
    assert with_workers(table, 1) == pytest.approx(table["hours"].sum())
    assert with_workers(table, 4) == pytest.approx(table["hours"].sum() * 8 / 30)
    assert with_workers(table, 100) == pytest.approx(table["hours"].sum() / 30)


@pytest.fixture
def smallest(tmp_path):
    path = tmp_path / "smallest.yml"
    quick = load_profile("quick")
    content = (
        quick.model_dump_json(exclude={"name"})
        .replace('"image_size":32', '"image_size":16')
        .replace('"widths":[12,16,24]', '"widths":[4,6]')
    )
    path.write_text(content)
    return read_profile(path)


def test_measured_steps_make_a_plan_that_names_its_parts(smallest):
    costs = measure(smallest)
    for cost in (costs.training_step, costs.ggn_product, costs.jacobian_product):
        assert cost.seconds > 0
        assert cost.memory > 1e6
        assert cost.images_timed == cost.images
    text = describe(smallest, workers=2)
    for word in (
        "train",
        "curvature",
        "scores",
        "sketch",
        "others",
        "notebooks",
        "whole",
        "With 2 workers",
    ):
        assert word in text
    assert "GPU: not measured" in text
    assert "WARNING" not in text


def test_a_step_that_does_not_fit_is_timed_on_fewer_images_and_named(smallest, monkeypatch):
    whole = measure(smallest).ggn_product
    monkeypatch.setattr(step_costs, "free_memory", lambda device: whole.memory)
    monkeypatch.setattr("slugkit.companion.plan.free_memory", lambda device: whole.memory)
    assert measure(smallest).ggn_product.images_timed == step_costs.FEW_IMAGES
    text = describe(smallest, workers=2)
    assert "scaled up from 4 images" in text
    assert "WARNING: curvature needs" in text
    assert "Lower its batch_size" in text


def test_more_images_at_once_need_more_memory(smallest):
    half = smallest.model_copy(
        update={"curvature": smallest.curvature.model_copy(update={"batch_size": 16})}
    )
    assert measure(half).ggn_product.memory < 0.5 * measure(smallest).ggn_product.memory
