import hashlib

import pandas as pd
import pytest
from PIL import Image

from slugkit.data.acquire.manifests import load_manifest
from slugkit.data.acquire.verify import present, verify
from slugkit.errors import InputError
from slugkit.files import sha256


@pytest.fixture
def copy(tmp_path):
    """Lay out a small copy of PAD-UFES-20 with its digests."""
    folder = tmp_path / "pad_ufes_20_subset"
    (folder / "images").mkdir(parents=True)
    files = [f"images/PAT_{k}.jpg" for k in range(3)]
    for k, file in enumerate(files):
        Image.new("RGB", (20 + k, 20)).save(folder / file)
    digests = [sha256(folder / file) for file in files]
    pd.DataFrame({"file": files, "sha256": digests}).to_csv(folder / "index.csv", index=False)
    return tmp_path, folder


def check(root):
    return {check.what: check for check in verify(load_manifest("pad_ufes_20"), root)}


def test_digests_images_and_numbers(copy):
    root, _ = copy
    checks = check(root)
    assert checks["pad_ufes_20_subset: sha256 of the files in index.csv"].right
    assert checks["pad_ufes_20_subset: every image opens"].right
    number = checks["pad_ufes_20_subset/images/*.jpg"]
    assert not number.right
    assert number.found == "3 of 746 files"


def test_damage_is_named(copy):
    root, folder = copy
    (folder / "images" / "PAT_1.jpg").write_bytes(b"<html>gone</html>")
    checks = check(root)
    digests = checks["pad_ufes_20_subset: sha256 of the files in index.csv"]
    assert digests.found == "2 of 3 right; not images/PAT_1.jpg"
    opened = checks["pad_ufes_20_subset: every image opens"]
    assert not opened.right
    assert "a web page" in opened.found


def test_nothing_there(tmp_path):
    with pytest.raises(InputError, match=r"no folder .*slugkit data show pad_ufes_20"):
        check(tmp_path)


@pytest.fixture
def copies(tmp_path):
    """Smaller copies of two images, under the md5 of the originals."""
    folder = tmp_path / "fitzpatrick17k"
    folder.mkdir()
    lines = ["md5hash,file,sha256"]
    for number in range(2):
        name = hashlib.md5(b"original %d" % number).hexdigest()
        path = folder / f"{name}.jpg"
        Image.new("RGB", (32, 32), (60 * number, 90, 90)).save(path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        lines.append(f"{name},{path.name},{digest}")
    (folder / "index.csv").write_text("\n".join(lines))
    return tmp_path, path


def test_smaller_copies_are_checked_by_their_own_digests(copies):
    root, path = copies
    checks = {one.what: one for one in verify(load_manifest("fitzpatrick17k"), root)}
    assert checks["fitzpatrick17k: sha256 of the files in index.csv"].found == "2 of 2 right"
    assert checks["fitzpatrick17k/**/*.jpg"].found == "2 of 2 files"
    assert not any("md5" in what for what in checks)
    path.unlink()
    checks = {one.what: one for one in verify(load_manifest("fitzpatrick17k"), root)}
    assert checks["fitzpatrick17k/**/*.jpg"].found == "1 of 2 files"
    assert not checks["fitzpatrick17k: sha256 of the files in index.csv"].right


def test_two_layouts_in_one_folder(copies):
    root, path = copies
    manifest = load_manifest("fitzpatrick17k")
    (copied,) = present(manifest, root)
    assert copied.digests == "index.csv"
    (path.parent / "index.csv").unlink()
    (original,) = present(manifest, root)
    assert not original.digests
    checks = {one.what: one for one in verify(manifest, root)}
    assert not checks["fitzpatrick17k: md5 of the bytes is the name"].right


@pytest.mark.parametrize("name", ["pad_ufes_20", "fitzpatrick17k", "vgg19"])
def test_real_files(data_root, name):
    assert all(check.right for check in verify(load_manifest(name), data_root))
