import io
import stat
import zipfile

import pytest

from slugkit.data.acquire.archives import unpack
from slugkit.errors import InputError


def archive(path, members, **options):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as out:
        for name, content in members:
            out.writestr(name, content)
    return path


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def refused(path, tmp_path, message):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "kept.txt").write_text("kept")
    with pytest.raises(InputError, match=message):
        unpack(path, folder)
    assert files(folder) == {"kept.txt": b"kept"}
    assert set(tmp_path.iterdir()) <= {path, folder}


def test_files_folders_and_archives_inside(tmp_path):
    inner = io.BytesIO()
    archive(inner, [("b.txt", b"b")])
    path = archive(
        tmp_path / "a.zip", [("x/", b""), ("x/a.txt", b"a"), ("x/inner.zip", inner.getvalue())]
    )
    written = unpack(path, tmp_path / "out")
    assert files(tmp_path / "out") == {"x/a.txt": b"a", "x/b.txt": b"b"}
    assert [file.name for file in written] == ["a.txt", "b.txt"]


@pytest.mark.parametrize("name", ["../evil.txt", "x/../../evil.txt", "..\\evil.txt"])
def test_a_path_that_climbs_out(tmp_path, name):
    path = archive(tmp_path / "a.zip", [("good.txt", b"good"), (name, b"evil")])
    refused(path, tmp_path, "climbs out")


@pytest.mark.parametrize("name", ["/etc/evil.txt", "C:evil.txt"])
def test_an_absolute_path(tmp_path, name):
    refused(archive(tmp_path / "a.zip", [(name, b"evil")]), tmp_path, "absolute path")


@pytest.mark.parametrize(
    ("kind", "message"), [(stat.S_IFLNK, "symbolic link"), (stat.S_IFCHR, "no regular file")]
)
def test_links_and_devices(tmp_path, kind, message):
    info = zipfile.ZipInfo("link")
    info.create_system = 3
    info.external_attr = (kind | 0o777) << 16
    refused(archive(tmp_path / "a.zip", [(info, b"/etc/passwd")]), tmp_path, message)


def test_a_decompression_bomb(tmp_path):
    path = archive(tmp_path / "a.zip", [("zeros", bytes(20_000_000))])
    refused(path, tmp_path, "decompression bomb")


def test_a_bomb_inside_an_archive(tmp_path):
    inner = io.BytesIO()
    archive(inner, [("zeros", bytes(20_000_000))])
    path = archive(tmp_path / "a.zip", [("good.txt", b"good"), ("b.zip", inner.getvalue())])
    refused(path, tmp_path, "decompression bomb")


def test_a_member_that_lies_about_its_size(tmp_path):
    path = archive(tmp_path / "a.zip", [("a.txt", b"a" * 1000)])
    data = path.read_bytes()
    path.write_bytes(data.replace((1000).to_bytes(4, "little"), (500).to_bytes(4, "little")))
    refused(path, tmp_path, "broken or truncated")


@pytest.mark.parametrize("fraction", [0.0, 0.5, 0.95])
def test_a_truncated_archive(tmp_path, fraction):
    path = archive(tmp_path / "a.zip", [(f"{k}.txt", bytes([k]) * 500) for k in range(20)])
    data = path.read_bytes()
    path.write_bytes(data[: int(fraction * len(data))])
    refused(path, tmp_path, "broken or truncated")


def test_a_damaged_member(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("good.txt", b"good")
        out.writestr("a.txt", b"abcdefgh")
    path.write_bytes(path.read_bytes().replace(b"abcdefgh", b"abcdefgX", 1))
    refused(path, tmp_path, "broken or truncated")


def test_a_compression_that_python_does_not_know(tmp_path):
    path = archive(tmp_path / "a.zip", [("a.txt", b"a")])
    data = bytearray(path.read_bytes())
    unknown = (97).to_bytes(2, "little")  # WavPack
    data[8:10] = unknown
    method = data.index(b"PK\x01\x02") + 10
    data[method : method + 2] = unknown
    path.write_bytes(data)
    refused(path, tmp_path, "packed in a way that Python cannot unpack")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_twice(tmp_path):
    path = archive(tmp_path / "a.zip", [("a.txt", b"one"), ("A.txt", b"two")])
    refused(path, tmp_path, "occurs twice")


def test_an_encrypted_member(tmp_path):
    path = archive(tmp_path / "a.zip", [("a.txt", b"a")])
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    refused(path, tmp_path, "encrypted")
