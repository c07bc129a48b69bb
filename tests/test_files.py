import pytest

from slugkit.files import atomic_path, sha256


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
