import pytest

from slugkit.companion.plan import (
    StepTimes,
    describe,
    measure,
    num_parameters_of,
    num_test_images,
    plan,
)
from slugkit.companion.profile import load_profile, read_profile

TIMES = StepTimes(training_step=1.0, ggn_product=10.0, jacobian_product=100.0)


def test_steps_and_hours_of_the_paper_are_those_counted_by_hand():
    paper = load_profile("paper")
    table = plan(paper, TIMES)
    # 3 data sets, 10 runs, 1,000 epochs of 26 batches of 64 images.
    assert table.loc["train", "jobs"] == 30
    assert table.loc["train", "steps"] == 30 * 1000 * 26
    assert table.loc["train", "hours"] == pytest.approx(30 * 1000 * 26 / 3600)
    # 27 batches; 150 products with G and 50 samples of the trace.
    assert table.loc["curvature", "steps"] == 30 * 27 * 200
    assert table.loc["curvature", "hours"] == pytest.approx(30 * 27 * (150 * 10 + 50 * 100) / 3600)
    # 500 samples; 2 x 500 skin images, for B also 4 x 250 external and 6 x 80 + 245 with objects.
    assert num_test_images(paper, "A") == 1000
    assert num_test_images(paper, "B") == 1000 + 1000 + 480 + 245
    assert table.loc["scores", "steps"] == 10 * 500 * (16 + 43 + 16)
    assert table.loc["curvature", "memory_gb"] > 150 * num_parameters_of(paper) * 4e-9


def test_measured_steps_make_a_plan_that_names_its_parts(tmp_path):
    path = tmp_path / "smallest.yml"
    quick = load_profile("quick")
    content = (
        quick.model_dump_json(exclude={"name"})
        .replace('"image_size":32', '"image_size":16')
        .replace('"widths":[12,16,24]', '"widths":[4,6]')
    )
    path.write_text(content)
    profile = read_profile(path)
    times = measure(profile)
    assert min(times.training_step, times.ggn_product, times.jacobian_product) > 0
    text = describe(profile, workers=2)
    for word in ("train", "curvature", "scores", "whole", "With 2 workers", "not measured"):
        assert word in text
