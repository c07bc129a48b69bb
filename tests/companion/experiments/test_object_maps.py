import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from companion.experiments import steps
from companion.experiments.scores import object_maps_step
from companion.pipeline.jobs import Job
from companion.profiles import load_profile
from slugkit.baselines.trivial import edge_energy

SIZE = 8


@pytest.fixture
def job(tmp_path, monkeypatch):
    """A scored run of four images, of which two hold an object."""
    rng = np.random.default_rng(0)
    images = rng.random((4, SIZE, SIZE, 3)).astype(np.float32)
    masks = np.zeros((4, SIZE, SIZE), bool)
    masks[1, 2:5, 2:5] = masks[3, :4] = True
    table = pd.DataFrame(
        {
            "image_id": ["a", "b", "c", "d"],
            "source": "synthetic",
            "group": ["g", "h", "i", "j"],
            "set": ["light", "object", "clean", "tagged"],
            "object": ["", "ruler", "", "patch"],
        }
    )
    monkeypatch.setattr("companion.paths.project_root", lambda: tmp_path)
    job = Job(steps()["object_maps"], load_profile("quick"), seed=0, dataset="B")
    job.save_array("data/test.npy", images)
    job.save_array("data/masks.npy", masks)
    job.save_table("data/test.csv", table)
    # The scores lie in an order of their own.
    order = [3, 0, 1, 2]
    job.save_table("scores.csv", table.iloc[order])
    job.save_array("reconstruction.npy", rng.random(images.shape).astype(np.float32)[order])
    job.save_array("uncertainty.npy", rng.random(images.shape).astype(np.float32)[order])
    return job


def test_each_map_is_compared_with_the_mask_of_its_own_image(job):
    object_maps_step.run(job, {})
    found = job.read_table("object_maps.csv")
    assert found["image_id"].tolist() == ["d"] * 3 + ["b"] * 3
    assert found["object"].tolist() == ["patch"] * 3 + ["ruler"] * 3
    images, masks = job.read_array("data/test.npy"), job.read_array("data/masks.npy")
    made, variance = job.read_array("reconstruction.npy"), job.read_array("uncertainty.npy")
    for image, place, in_scores in (("b", 1, 2), ("d", 3, 0)):
        maps = {
            "slug": variance[in_scores].sum(axis=-1),
            "squared_error": ((images[place] - made[in_scores]) ** 2).sum(axis=-1),
            "edge_energy": edge_energy(images[[place]])[0],
        }
        mask = masks[place]
        for name, map_ in maps.items():
            (row,) = found[(found["image_id"] == image) & (found["map"] == name)].to_dict("records")
            assert row["auroc"] == pytest.approx(roc_auc_score(mask.ravel(), map_.ravel()))
            assert row["average_precision"] == pytest.approx(
                average_precision_score(mask.ravel(), map_.ravel())
            )
            assert row["ratio"] == pytest.approx(map_[mask].mean() / map_[~mask].mean(), rel=1e-5)
            assert row["covered"] == mask.mean()


def test_without_objects_the_table_is_empty_and_can_be_read(job):
    job.save_array("data/masks.npy", np.zeros((4, SIZE, SIZE), bool))
    object_maps_step.run(job, {})
    found = job.read_table("object_maps.csv")
    assert found.empty
    assert list(found) == object_maps_step.ABOUT + object_maps_step.FOUND
