import pytest

from companion.experiments import steps
from companion.pipeline import plan as planner
from companion.pipeline.plan import Price, describe, measure, plan
from companion.profiles import load_profile, make_profile

# Seconds for one image, and gigabytes for a batch.
PRICES = {
    "training_step": Price(1.0, 3.0),
    "ggn_product": Price(10.0, 2.0),
    "jacobian_product": Price(4.0, 1.0),
}
BOTH = {"": PRICES, "ablation": PRICES}


def test_hours_are_the_steps_times_what_each_costs():
    table = plan(load_profile("paper"), steps(), BOTH)
    # 3 data sets, 10 runs, 1,000 epochs of 26 batches of 64 images.
    assert table.loc["train", "jobs"] == 30
    assert table.loc["train", "hours"] == pytest.approx(30 * 1000 * 26 * 64 / 3600)
    seconds = 30 * 1668 * (150 * 10 + 50 * 4)
    assert table.loc["curvature", "hours"] == pytest.approx(seconds / 3600)
    assert table.loc["train", "memory GB"] == 3.5


def test_every_step_that_computes_with_a_network_is_counted():
    table = plan(load_profile("quick"), steps(), BOTH)
    assert set(steps()) - set(table.index) == {
        "prepare",
        "ablation_prepare",
        "calibration",  # reads maps, and no network
        "object_maps",  # so does this
    }
    assert (table["hours"] > 0).all()


def test_parts_of_the_ablation_take_the_prices_of_its_own_network():
    quarter = {kind: Price(price.seconds / 4, 0) for kind, price in PRICES.items()}
    profile = load_profile("quick")
    whole = plan(profile, steps(), BOTH)["hours"]
    cheaper = plan(profile, steps(), BOTH | {"ablation": quarter})["hours"]
    ratio = whole / cheaper
    for rule, step in steps().items():
        if rule in ratio:
            assert ratio[rule] == pytest.approx(4 if step.part else 1)


@pytest.fixture(scope="module")
def smallest():
    """The quick profile with a small network, the same in the ablation, and small batches."""
    settings = load_profile("quick").model_dump()
    settings["data"]["image_size"] = 16
    settings["model"] |= {"widths": (4,), "latent": "spatial", "latent_size": 2}
    settings["training"] |= {"batch_size": 4}
    settings["scores"] |= {"batch_size": 4}
    settings["curvature"] |= {"batch_size": 16}
    same = {name: settings[name] for name in ("model", "training", "curvature")}
    settings["experiments"]["ablation"] |= {**same, "image_size": 16, "train": 64, "networks": ()}
    return make_profile(settings)


@pytest.fixture(scope="module")
def prices(smallest):
    return measure(smallest)


def test_a_step_takes_time_and_memory(prices):
    for price in prices.values():
        assert price.seconds > 0
        assert price.gigabytes > 0


def test_more_images_at_once_need_more_memory(smallest, prices):
    curvature = smallest.curvature.model_copy(update={"batch_size": 4})
    half = smallest.model_copy(update={"curvature": curvature})
    assert measure(half)["ggn_product"].gigabytes < 0.5 * prices["ggn_product"].gigabytes


def test_the_plan_names_each_step_and_what_does_not_fit(smallest, prices, monkeypatch):
    monkeypatch.setattr(planner, "measure", lambda profile, progress, loss: prices)
    monkeypatch.setattr(planner, "free_memory", lambda: 10e9)
    text = describe(smallest, steps(), workers=2)
    for word in ("train", "curvature", "scores", "ablation_score_versions", "with 2 workers"):
        assert word in text
    assert "WARNING" not in text
    monkeypatch.setattr(planner, "free_memory", lambda: 0.5e9)
    text = describe(smallest, steps(), workers=2)
    assert "WARNING: 2 jobs of train side by side need 1." in text
    assert "or lower batch_size" in text
