"""The step that draws a run's images, on a small Fitzpatrick17k with an index.csv."""

import hashlib
import io
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tiny_graph import TINY

from companion.experiments.data import PREPARE, decode
from companion.paths import RunPaths
from companion.pipeline.jobs import execute
from companion.pipeline.store import load_table
from companion.profiles import read_profile
from slugkit.data.synthesis.synthetic import generate
from slugkit.errors import InputError

SOURCE = "{source: synthetic, light: [1, 2], dark: [5, 6], train: 24, test: 8}"


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """An empty clone with 160 images of two atlases under its data root; two of them left out."""
    folder = tmp_path / "data" / "fitzpatrick17k"
    folder.mkdir(parents=True)
    (tmp_path / "profiles").mkdir()
    (tmp_path / "Snakefile").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLUGKIT_DATA", str(tmp_path / "data"))
    types = np.tile([1, 2, 5, 6], 40)
    names = []
    for image in generate(types, 32, seed=5):
        buffer = io.BytesIO()
        Image.fromarray((255 * image).astype(np.uint8)).save(buffer, "JPEG", quality=95)
        names.append(hashlib.md5(buffer.getvalue()).hexdigest())
        (folder / f"{names[-1]}.jpg").write_bytes(buffer.getvalue())
    labels = pd.DataFrame({"md5hash": names, "fitzpatrick_scale": types})
    labels.to_csv(folder / "fitzpatrick17k.csv", index=False)
    number = np.arange(len(types))
    labels.assign(
        # Dark skin is mostly from one atlas.
        source=np.where((number // 12 % 3 == 0) ^ (types < 3), "atlas", "dermaamin"),
        # The first two images of a patient show the same.
        duplicate_group=[names[k - 4] if 4 <= k % 12 < 8 else names[k] for k in number],
        patient_group=[f"patient {k % 4} {k // 12}" for k in number],
        conflicting_types=(number < 2).astype(int),
    ).to_csv(folder / "index.csv", index=False)
    return tmp_path


def profile_of(folder, options):
    changed = SOURCE.replace("synthetic", "fitzpatrick17k").replace("}", f"{options}}}")
    path = folder / "profiles" / "mine.yml"
    path.write_text(TINY.replace(SOURCE, changed))
    return read_profile(path).model_copy(update={"seeds": (0, 1)})


def test_matched_sets_with_fixed_test_sets(clone):
    profile = profile_of(clone, ", match: origin, fixed_test: true")
    decode.run("fitzpatrick17k", profile.data.image_size)
    tests, trainings = [], []
    for seed in (0, 1):
        execute(PREPARE, profile, seed, None)
        folder = RunPaths("mine").prepared(seed)
        train, test = load_table(folder / "train.csv"), load_table(folder / "test.csv")
        skin = test[test["set"].isin(["light", "dark"])]
        for table, column in ((train, "dataset"), (skin, "set")):
            numbers = pd.crosstab(table[column], table["origin"])
            assert (numbers == numbers.iloc[0]).all(axis=None)
            assert (numbers > 0).all(axis=None)
        assert not set(skin["group"]) & set(train["group"])
        assert skin["duplicate_group"].is_unique
        # The other sets have no origin, and say so with an empty cell, not with "nan".
        assert set(test.loc[test["set"] == "external", "origin"]) == {""}
        tests.append(list(skin["image_id"]))
        trainings.append(set(train.loc[train["dataset"] == "A", "image_id"]))
        record = json.loads((folder / "prepare.json").read_text())
        assert record["skin_pool"]["images"] == 158
        assert record["skin_pool"]["left_out"] == {"a duplicate has the opposite skin type": 2}
    assert tests[0] == tests[1]
    assert trainings[0] != trainings[1]


def test_test_sets_follow_the_seed_unless_they_are_fixed(clone):
    profile = profile_of(clone, ", match: origin")
    decode.run("fitzpatrick17k", profile.data.image_size)
    drawn = []
    for seed in (0, 1):
        execute(PREPARE, profile, seed, None)
        test = load_table(RunPaths("mine").prepared(seed) / "test.csv")
        drawn.append(set(test.loc[test["set"] == "light", "image_id"]))
    assert drawn[0] != drawn[1]


def test_images_without_origin_cannot_be_matched(tmp_path):
    path = tmp_path / "mine.yml"
    path.write_text(TINY.replace(SOURCE, SOURCE.replace("}", ", match: origin}")))
    with pytest.raises(InputError, match=r"column origin.*leave out data\.skin\.match"):
        execute(PREPARE, read_profile(path), 0, None)
