import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

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
    with pytest.raises(InputError, match="no images"):
        score_stream(posterior, images[:0], path, **OPTIONS)
    with pytest.raises(InputError, match="chunk_size is 0"):
        score_stream(posterior, images, path, **{**OPTIONS, "chunk_size": 0})
    broken = images.copy()
    broken[3] = np.nan
    with pytest.raises(InputError, match="image 3 has values that are not finite"):
        score_stream(posterior, broken, path, **OPTIONS)
    assert not path.exists()


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
