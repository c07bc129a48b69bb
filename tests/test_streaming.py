import csv
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from small_model import KEY, apply, make_images, make_params

from slugkit import slug
from slugkit.errors import InputError
from slugkit.streaming import score_stream

OPTIONS = {"num_samples": 6, "key": KEY, "batch_size": 4, "chunk_size": 8}


@pytest.fixture(scope="module")
def posterior():
    return slug.fit(apply, make_params(), make_images(11), rank=4, key=KEY)


@pytest.fixture(scope="module")
def images():
    return make_images(21)


def read(path):
    with path.open() as stream:
        rows = list(csv.DictReader(stream))
    assert [int(row["image"]) for row in rows] == list(range(len(rows)))
    return np.array([[row["score"], row["standard_error"]] for row in rows], np.float32)


def partials(folder):
    return list(folder.glob(".*.partial"))


def test_the_scores_are_those_of_one_call(posterior, images, tmp_path):
    made = read(score_stream(posterior, images, tmp_path / "scores.csv", **OPTIONS))
    whole = slug.score(posterior, images, num_samples=6, key=KEY, batch_size=4)
    np.testing.assert_allclose(made[:, 0], whole.value, rtol=1e-5)
    np.testing.assert_allclose(made[:, 1], whole.standard_error, rtol=1e-4)
    assert partials(tmp_path) == []


def test_memory_mapped_images_give_the_same_bytes(posterior, images, tmp_path):
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    first = score_stream(posterior, images, tmp_path / "a.csv", **OPTIONS)
    second = score_stream(posterior, mapped, tmp_path / "b.csv", **OPTIONS)
    assert first.read_bytes() == second.read_bytes()


def interrupt(posterior, images, path, after):
    def stop(done, total, message):
        if done == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_stream(posterior, images, path, **OPTIONS, progress=stop)


@pytest.mark.parametrize("cut", [0, 1, 20, 10_000])
def test_an_interrupted_table_goes_on_from_its_last_whole_chunk(posterior, images, tmp_path, cut):
    expected = score_stream(posterior, images, tmp_path / "expected.csv", **OPTIONS).read_bytes()
    path = tmp_path / "scores.csv"
    interrupt(posterior, images, path, after=16)
    assert not path.exists()
    # As if the last write had stopped anywhere.
    (partial,) = partials(tmp_path)
    os.truncate(partial, max(0, partial.stat().st_size - cut))
    starts = []
    score_stream(posterior, images, path, **OPTIONS, progress=lambda done, *_: starts.append(done))
    assert path.read_bytes() == expected
    assert starts[0] == {0: 21, 1: 16, 20: 16, 10_000: 8}[cut]


def test_another_key_does_not_go_on_from_it(posterior, images, tmp_path):
    path = tmp_path / "scores.csv"
    interrupt(posterior, images, path, after=8)
    done = []
    other = {**OPTIONS, "num_samples": 7}
    score_stream(posterior, images, path, **other, progress=lambda n, *_: done.append(n))
    assert done == [8, 16, 21]


def test_unusable_arguments_are_named(posterior, images, tmp_path):
    path = tmp_path / "scores.csv"
    with pytest.raises(InputError, match="give at least one image"):
        score_stream(posterior, images[:0], path, **OPTIONS)
    with pytest.raises(InputError, match="chunk_size is 0"):
        score_stream(posterior, images, path, **{**OPTIONS, "chunk_size": 0})
    broken = images.copy()
    broken[3] = np.nan
    with pytest.raises(InputError, match="image 3 has values that are not finite"):
        score_stream(posterior, broken, path, **OPTIONS)
    assert not path.exists()


class Sliced:
    """Images that are read only where they are asked for."""

    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def __getitem__(self, part):
        return self.images[part]


@pytest.mark.parametrize("wrap", [np.asarray, list, Sliced])
def test_whatever_can_be_sliced_is_scored(posterior, images, tmp_path, wrap):
    made = score_stream(posterior, wrap(images), tmp_path / "a.csv", **OPTIONS).read_bytes()
    assert made == score_stream(posterior, images, tmp_path / "b.csv", **OPTIONS).read_bytes()


@pytest.mark.parametrize("place", [0, 7, 8, 13, 20])
@pytest.mark.parametrize("estimator", ["pushforward", "hutchinson"])
def test_an_image_is_named_by_its_place_in_the_whole(posterior, images, tmp_path, place, estimator):
    broken = images.copy()
    broken[place] = np.nan
    with pytest.raises(InputError) as error:
        score_stream(posterior, broken, tmp_path / "a.csv", **OPTIONS, estimator=estimator)
    assert str(error.value) == (
        f"image {place} has values that are not finite; remove or repair it"
    )


@pytest.mark.parametrize("place", [5, 13, 20])
def test_outputs_and_derivatives_are_named_by_the_place_in_the_whole(images, tmp_path, place):
    def dividing(params, images):
        return apply(params, images) / jnp.abs(images).sum(axis=(1, 2, 3), keepdims=True)

    def rooted(params, images):
        flat = images.reshape(len(images), -1) @ params["encoder"]["kernel"]
        return apply(params, images) * jnp.linalg.norm(flat, axis=1)[:, None, None, None]

    black = images.copy()
    black[place] = 0
    for model, message in (
        (dividing, f"the model's output for image {place} is not finite"),
        (rooted, f"the model's derivative in its parameters is not finite at image {place};"),
    ):
        posterior = slug.fit(model, make_params(), images, rank=2, key=KEY)
        with pytest.raises(InputError, match=message):
            score_stream(posterior, black, tmp_path / "a.csv", **OPTIONS)


def test_a_masked_chunk_is_refused(posterior, images, tmp_path):
    masked = np.ma.masked_where(
        np.arange(21)[:, None, None, None] * np.ones_like(images) == 13, images
    )
    with pytest.raises(InputError, match="32 values of the images are masked"):
        score_stream(posterior, masked, tmp_path / "a.csv", **OPTIONS)


PATH = "give the path of a file in a folder, such as scores.csv"
STREAM = (
    "give an array, or another object with a length whose slices are arrays, such as "
    "numpy.load(path, mmap_mode='r')"
)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"path": "{folder}"},
            f"the table {{folder}} cannot be written: there is a folder of that name; {PATH}",
        ),
        (
            {"path": "{folder}/file/scores.csv"},
            "the table {folder}/file/scores.csv cannot be "
            f"written: {{folder}}/file is no folder; {PATH}",
        ),
        (
            {"path": "{folder}/file/a/scores.csv"},
            "the table {folder}/file/a/scores.csv cannot be "
            f"written: {{folder}}/file/a is no folder; {PATH}",
        ),
        ({"path": None}, f"the table None cannot be written: that is no path; {PATH}"),
        ({"images": (one for one in [1])}, f"images is of type generator; {STREAM}"),
        ({"images": "images.npy"}, f"images is of type str; {STREAM}"),
        ({"images": {"a": 1}}, f"images is of type dict; {STREAM}"),
        ({"images": None}, f"images is of type NoneType; {STREAM}"),
        ({"key": 0}, "key is 0; give one random key of JAX, such as jax.random.key(0)"),
        ({"num_samples": 2.0}, "num_samples is 2.0; give a whole number of at least 1"),
        ({"batch_size": True}, "batch_size is True; give a whole number of at least 1"),
        ({"chunk_size": "8"}, "chunk_size is '8'; give a whole number of at least 1"),
    ],
)
def test_unusable_calls_are_named(posterior, images, tmp_path, change, message):
    (tmp_path / "file").touch()
    arguments = {"images": images, "path": "{folder}/scores.csv", **OPTIONS} | change
    if arguments["path"] is not None:
        arguments["path"] = arguments["path"].format(folder=tmp_path)
    with pytest.raises(InputError) as error:
        score_stream(posterior, **arguments)
    assert str(error.value) == message.format(folder=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def resumes(posterior, images, path):
    done = []
    score_stream(posterior, images, path, **OPTIONS, progress=lambda n, *_: done.append(n))
    return done == [16, 21]


@pytest.mark.parametrize("place", [0, 3, 10, 20])
def test_any_other_image_begins_anew(posterior, images, tmp_path, place):
    path = tmp_path / "scores.csv"
    interrupt(posterior, images, path, after=8)
    changed = images.copy()
    changed[place, 1, 2, 0] += 1
    assert not resumes(posterior, changed, path)


def test_the_same_images_go_on(posterior, images, tmp_path):
    path = tmp_path / "scores.csv"
    interrupt(posterior, images, path, after=8)
    assert resumes(posterior, images.copy(), path)


@pytest.mark.parametrize(
    "other",
    [
        lambda p, x: 1.01 * apply(p, x),
        lambda p, x: apply(p, x) + jnp.ones(x.shape[1:]),
    ],
)
def test_another_model_begins_anew(posterior, images, tmp_path, other):
    path = tmp_path / "scores.csv"
    interrupt(posterior, images, path, after=8)
    assert not resumes(replace(posterior, apply=other), images, path)


def test_the_same_code_elsewhere_goes_on(posterior, images, tmp_path):
    path = tmp_path / "scores.csv"
    interrupt(posterior, images, path, after=8)
    assert resumes(replace(posterior, apply=lambda p, x: apply(p, x)), images, path)


def test_what_was_abandoned_goes_with_the_whole_table(posterior, images, tmp_path):
    path, other = tmp_path / "scores.csv", tmp_path / "scores.txt"
    interrupt(posterior, images, path, after=8)
    interrupt(posterior, 2 * images, path, after=8)
    interrupt(posterior, images, other, after=8)
    assert len(partials(tmp_path)) == 3
    score_stream(posterior, 3 * images, path, **OPTIONS)
    assert [one.name.startswith(".scores.txt-") for one in partials(tmp_path)] == [True]


SCRIPT = """
import sys, threading
import numpy as np
from small_model import KEY, apply, make_images, make_params
from slugkit import slug
from slugkit.streaming import score_stream
posterior = slug.fit(apply, make_params(), make_images(11), rank=4, key=KEY)
images = np.tile(make_images(10), (60, 1, 1, 1))
def progress(done, *_):
    print(done, flush=True)
    if done >= float(sys.argv[2]):
        threading.Event().wait()
score_stream(posterior, images, sys.argv[1], num_samples=6, key=KEY, batch_size=4, chunk_size=8,
             progress=progress)
"""


@pytest.mark.slow
def test_killed_it_resumes_to_the_same_bytes(tmp_path):
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(
            [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
        ),
    }
    command = [sys.executable, "-c", SCRIPT]
    whole, killed = tmp_path / "whole.csv", tmp_path / "killed.csv"
    subprocess.run([*command, str(whole), "inf"], env=environment, check=True, capture_output=True)
    process = subprocess.Popen(
        [*command, str(killed), "400"], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    while int(process.stdout.readline()) < 400:
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert not killed.exists()
    done = subprocess.run(
        [*command, str(killed), "inf"], env=environment, check=True, capture_output=True, text=True
    )
    assert int(done.stdout.split()[0]) > 400
    assert killed.read_bytes() == whole.read_bytes()
