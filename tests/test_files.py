import contextlib
import os
import subprocess

import numpy as np
import pytest
import yaml

from companion.__main__ import main
from companion.paths import project_root
from slugkit.errors import InputError
from slugkit.files import atomic_path, sha256
from slugkit.model.training import Schedule, train
from slugkit.model.vae import Architecture


def test_the_file_appears_only_when_it_is_whole(tmp_path):
    target = tmp_path / "folder" / "result.txt"
    with atomic_path(target) as partial:
        partial.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"


def test_a_failure_leaves_the_former_file_and_nothing_else(tmp_path):
    target = tmp_path / "result.txt"
    target.write_text("former")

    def fail():
        with atomic_path(target) as partial:
            partial.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert target.read_text() == "former"
    assert list(tmp_path.iterdir()) == [target]


def test_digest_is_that_of_the_bytes(tmp_path):
    (tmp_path / "empty").touch()
    assert sha256(tmp_path / "empty").startswith("e3b0c44298fc1c149afb")


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of 200 kB."""
    if os.getuid() != 0:
        pytest.skip("only root may mount a file system")
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this machine does not let a file system be mounted")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_full_disk_leaves_the_former_file_and_nothing_else(small_disk):
    target = small_disk / "result.npy"
    target.write_text("former")

    def write(size):
        with atomic_path(target) as partial:
            partial.write_bytes(bytes(size))

    def write_array(size):
        with atomic_path(target) as partial:
            np.save(partial, np.zeros(size))

    for too_much in (write, write_array):
        with pytest.raises(OSError, match="No space left") as raised:
            too_much(1_000_000)
        assert raised.value.filename == str(target)
    assert target.read_text() == "former"
    assert list(small_disk.iterdir()) == [target]
    write(1_000)
    assert target.stat().st_size == 1_000


def test_training_goes_on_when_there_is_room_again(small_disk, tmp_path_factory):
    images = np.random.default_rng(0).random((8, 16, 16, 3), np.float32)
    architecture = Architecture(16, (4, 6), "spatial", 2, 0.01)
    schedule = Schedule(epochs=4, batch_size=4, learning_rate=0.001, checkpoint_every=1)
    checkpoint, filler = small_disk / "state.msgpack", small_disk / "filler"

    def fill(done, *_):
        if done == 2:
            with contextlib.suppress(OSError), filler.open("wb") as stream:
                stream.write(bytes(1_000_000))

    def run(**options):
        with contextlib.suppress(InputError):  # a collapsed decoder is no matter here
            train(architecture, images, schedule, seed=0, **options)

    with pytest.raises(OSError, match="No space left"):
        run(checkpoint=checkpoint, progress=fill)
    whole = checkpoint.read_bytes()
    filler.unlink()
    epochs = []
    run(checkpoint=checkpoint, progress=lambda done, *_: epochs.append(done))
    assert epochs[0] == 2
    assert checkpoint.read_bytes() != whole
    elsewhere = tmp_path_factory.mktemp("room") / "state.msgpack"
    run(checkpoint=elsewhere)
    assert checkpoint.read_bytes() == elsewhere.read_bytes()


def test_the_command_line_names_a_folder_that_cannot_be_written(small_disk, capsys, monkeypatch):
    """A checkout on a disk that can only be read, whose profile asks for few images."""
    settings = yaml.safe_load((project_root() / "profiles" / "quick.yml").read_text())
    settings["data"]["skin"] |= {"train": 4, "test": 4}
    settings["data"]["external"]["per_type"] = settings["data"]["objects"]["per_kind"] = 1
    (small_disk / "Snakefile").touch()
    (small_disk / "profiles").mkdir()
    (small_disk / "profiles" / "few.yml").write_text(yaml.safe_dump(settings))
    monkeypatch.chdir(small_disk)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert main(["prepare", "--profile", "few", "--seed", "0"]) == 2
    message = capsys.readouterr().err
    assert message.startswith("slugkit: ")
    assert str(small_disk) in message
    assert "Read-only file system" in message
