import types

import jax
import pytest

from companion.config import load_profile
from companion.experiments.objects import measure as objects
from companion.experiments.objects import observer
from companion.pipeline.workload import Steps, num_parameters_of, num_test_images, workload
from slugkit import slug
from slugkit.data.synthesis.synthetic import generate
from slugkit.model.vae import Architecture, initialise


def counted(profile):
    return {work.part: work for work in workload(profile)}


def of_kind(work, kind):
    return sum(steps.number * steps.images for steps in work.steps if steps.kind == kind)


@pytest.fixture(scope="module")
def paper():
    return load_profile("paper")


@pytest.fixture(autouse=True)
def without_weights(monkeypatch):
    """What is counted must not depend on what lies under this machine's data root."""
    monkeypatch.setattr("slugkit.model.perceptual.find_weights", lambda root: None)


def test_steps_of_the_paper_are_those_counted_by_hand(paper):
    parts = counted(paper)
    # 3 data sets, 10 runs, 1,000 epochs of 26 batches of 64 images.
    assert parts["train"].steps == (Steps("training_step", 30 * 1000 * 26, 64),)
    # 105 batches; 150 products with G and 50 samples of the trace.
    products, samples = parts["curvature"].steps
    assert (products.number, samples.number) == (30 * 105 * 150, 30 * 105 * 50)
    assert products.number * products.images == pytest.approx(30 * 1668 * 150)
    assert parts["curvature"].data > 150 * num_parameters_of(paper) * 4
    # 500 samples; 2 x 500 skin images, for B also 4 x 250 external and 6 x 80 + 245 with objects.
    assert num_test_images(paper, "A") == 1000
    assert num_test_images(paper, "B") == 1000 + 1000 + 480 + 245
    numbers = [steps.number for steps in parts["scores"].steps]
    assert numbers == [10 * 500 * batches for batches in (63, 171, 63)]


def test_comparisons_and_the_ablation_of_the_paper_are_those_counted_by_hand(paper):
    parts = counted(paper)
    comparisons = parts["comparisons"]
    # Four more members and a network with dropout; the chain has 1,000 + 100 x 10 steps.
    trainings = 10 * 5 * 1000 * 26 * 64
    assert of_kind(comparisons, "training_step") == trainings + 10 * 2000 * 16
    tested = 1000 + 480 + 245
    assert of_kind(comparisons, "jacobian_product") == pytest.approx(10 * 7 * 100 * tested)
    # Without the weights of the perceptual loss: seven further networks, one of 50 epochs.
    epochs, batches = 6 * 200 + 50, 1000 // 64
    assert of_kind(parts["ablation"], "training_step") == 3 * epochs * batches * 64
    assert (parts["ablation"].in_laboratory, comparisons.in_laboratory) == (True, False)


def test_networks_with_a_perceptual_loss_count_where_its_weights_are(paper, monkeypatch):
    without = counted(paper)
    monkeypatch.setattr("slugkit.model.perceptual.find_weights", lambda root: root)
    there = counted(paper)
    for part, kind in (("ablation", "training_step"), ("score_versions", "ggn_product")):
        assert of_kind(there[part], kind) > of_kind(without[part], kind)


def test_a_profile_without_the_optional_experiments_has_no_such_parts():
    quick = load_profile("quick")
    fewer = {"comparisons": None, "objects": None, "ablation": None}
    experiments = quick.experiments.model_copy(update=fewer)
    parts = counted(quick.model_copy(update={"experiments": experiments}))
    assert list(parts) == ["train", "curvature", "scores", "estimators", "sketch"]


def test_products_with_objects_are_as_many_as_are_computed(monkeypatch):
    quick = load_profile("quick")
    settings = quick.experiments.objects.model_copy(
        update={"images": 3, "num_samples": 4, "lesions": 0}
    )
    experiments = quick.experiments.model_copy(update={"objects": settings})
    expected = counted(quick.model_copy(update={"experiments": experiments}))["objects"]
    model = initialise(Architecture(16, (4,), "spatial", 2, 0.01), 0)
    images = generate([1, 2, 3], 16, 0)
    posterior = slug.fit(
        model.reconstruct(),
        model.params,
        images,
        rank=1,
        key=jax.random.key(0),
        solver=slug.Lanczos(max_products=4),
    )
    products = []

    def counting(*given, **options):
        score, variance = slug.score_and_variance(*given, **options)
        products.append(score.num_products)
        return score, variance

    monkeypatch.setattr(observer, "slug", types.SimpleNamespace(score_and_variance=counting))
    observe = observer.observer(
        model,
        posterior,
        num_samples=settings.num_samples,
        key=jax.random.key(0),
        batch_size=quick.scores.batch_size,
    )
    objects.measure(
        observe,
        images,
        ["a", "b", "c"],
        kinds=settings.kinds,
        scales=settings.scales,
        contrasts=settings.contrasts,
        seed=0,
    )
    # All the images fit into one batch.
    assert sum(products) == sum(steps.number for steps in expected.steps)
