import hashlib
import io
import os
import signal
import subprocess
import sys
import time
import zipfile

import numpy as np
import pandas as pd
import pytest
from misbehaving_server import FEW, running_server
from PIL import Image

from slugkit.data.acquire.fetch import fetch
from slugkit.data.acquire.manifests import Manifest, load_manifest
from slugkit.data.acquire.verify import verify
from slugkit.data.sources import index
from slugkit.errors import InputError

QUICK = {"attempts": 3, "timeout": 600.0, "pause": 0.01}


def jpeg(k):
    rng = np.random.default_rng(k)
    buffer = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (40, 40, 3), np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


def archive(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as out:
        for name, content in members.items():
            out.writestr(name, content)
    return buffer.getvalue()


IMAGES = {f"{k}.jpg": jpeg(k) for k in range(40)}
ZIP = archive({"part/a.jpg": jpeg(1), "labels.csv": b"a,b\n"})
EVIL = archive({"../evil.jpg": b"evil"})


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with running_server(IMAGES | {"good.zip": ZIP, "evil.zip": EVIL}) as server:
        yield server


def manifest_of(name, **fields):
    """Return the manifest of a data set with some fields replaced."""
    return Manifest.model_validate(load_manifest(name).model_dump() | fields)


def archives(server, *names):
    files = [
        {
            "name": name,
            "url": server.url("good", name),
            "bytes": "unknown",
            "digest": "unknown",
            "unpack": True,
        }
        for name in names
    ]
    return manifest_of("isic2017", files=files)


def fitzpatrick(server, behaviours):
    """Return the manifest of a small Fitzpatrick17k on the server, and its label table."""
    names = [hashlib.md5(image).hexdigest() for image in IMAGES.values()]
    table = pd.DataFrame(
        {
            "md5hash": names,
            "fitzpatrick_scale": [1 + k % 6 for k in range(len(names))],
            "url": [
                server.url(behaviour, name) if behaviour else ""
                for behaviour, name in zip(behaviours, IMAGES, strict=True)
            ],
        }
    )
    body = table.to_csv(index=False).encode()
    server.files["labels.csv"] = body
    file = {
        "name": "fitzpatrick17k.csv",
        "url": server.url("good", "labels.csv"),
        "bytes": len(body),
        "digest": "sha256:" + hashlib.sha256(body).hexdigest(),
    }
    return manifest_of("fitzpatrick17k", files=[file]), table


def test_archives_are_unpacked_once(server, tmp_path):
    manifest = archives(server, "good.zip")
    result = fetch(manifest, tmp_path, **QUICK)
    assert (result.fetched, result.present, len(result.failures)) == (1, 0, 0)
    image = tmp_path / "isic2017" / "part" / "a.jpg"
    assert image.read_bytes() == jpeg(1)
    image.unlink()
    again = fetch(manifest, tmp_path, **QUICK)
    assert (again.fetched, again.present) == (0, 1)
    assert not image.exists()
    assert len(server.log) == 1


def test_an_evil_archive_is_refused(server, tmp_path):
    with pytest.raises(InputError, match="climbs out"):
        fetch(archives(server, "evil.zip"), tmp_path, **QUICK)
    assert not list(tmp_path.rglob("evil.jpg"))


def test_single_images_from_a_table(server, tmp_path):
    behaviours = ["good"] * 30 + ["missing", "forbidden", "page", "wrong", "loop", "broken", "", ""]
    behaviours += ["cut", "flaky"]
    manifest, table = fitzpatrick(server, behaviours)
    result = fetch(manifest, tmp_path, **QUICK)
    assert result.fetched == 1 + 32
    causes = result.failures.set_index("file")["cause"]
    expected = {
        30: "HTTP 404",
        31: "HTTP 403",
        32: "a web page in place of the file",
        34: "a redirect loop",
        35: "HTTP 503",
        36: "the table has no address for it",
        37: "the table has no address for it",
    }
    for k, cause in expected.items():
        assert causes[f"images/{table['md5hash'][k]}.jpg"] == cause
    assert causes[f"images/{table['md5hash'][33]}.jpg"].startswith("wrong digest")
    listed = pd.read_csv(tmp_path / "fitzpatrick17k" / "failures.csv")
    assert len(listed) == 8
    assert list(listed.columns) == ["file", "url", "cause", "attempts"]

    checks = {check.what: check.right for check in verify(manifest, tmp_path)}
    assert checks["fitzpatrick17k: md5 of the bytes is the name"]
    assert checks["fitzpatrick17k: every image opens"]
    assert len(index("fitzpatrick17k", tmp_path)) == 32

    log = len(server.log)
    again = fetch(manifest, tmp_path, **QUICK)
    assert (again.fetched, again.present) == (0, 33)
    fetched_again = {path for path, _ in server.log[log:]}
    assert not any(path.startswith(("/good", "/cut", "/flaky")) for path in fetched_again)


def test_an_image_that_a_person_has_put_elsewhere_is_taken(server, tmp_path):
    manifest, table = fitzpatrick(server, [""] * 40)
    folder = tmp_path / "fitzpatrick17k" / "from the authors"
    folder.mkdir(parents=True)
    (folder / f"{table['md5hash'][0]}.jpg").write_bytes(jpeg(0))
    result = fetch(manifest, tmp_path, **QUICK)
    assert (result.fetched, result.present, len(result.failures)) == (1, 1, 39)


def test_killed_fetch_continues(server, tmp_path):
    manifest, table = fitzpatrick(server, ["few"] * 40)
    (tmp_path / "manifest.json").write_text(manifest.model_dump_json())
    code = (
        "import sys; from pathlib import Path; from slugkit.data.acquire.fetch import fetch;"
        "from slugkit.data.acquire.manifests import Manifest;"
        "manifest = Manifest.model_validate_json(Path(sys.argv[1]).read_text());"
        "fetch(manifest, sys.argv[2], timeout=600)"
    )
    arguments = [str(tmp_path / "manifest.json"), str(tmp_path)]
    process = subprocess.Popen([sys.executable, "-c", code, *arguments])
    folder = tmp_path / "fitzpatrick17k" / "images"
    while len(list(folder.glob("[0-9a-f]*.jpg"))) < FEW:
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    whole = {path.stem for path in folder.glob("[0-9a-f]*.jpg")}
    log = len(server.log)
    server.gate.set()
    result = fetch(manifest, tmp_path, per_host=20, **QUICK)
    assert result.failures.empty
    assert {path.stem for path in folder.glob("*.jpg")} == set(table["md5hash"])
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    for path, body in zip(table["md5hash"], IMAGES.values(), strict=True):
        assert (folder / f"{path}.jpg").read_bytes() == body
    names = dict(zip(table["md5hash"], IMAGES, strict=True))
    fetched_again = {path.split("/")[-1] for path, _ in server.log[log:]}
    assert not fetched_again & {names[md5] for md5 in whole}


def test_a_table_with_bad_names_is_refused(server, tmp_path):
    manifest, table = fitzpatrick(server, [""] * 40)
    body = table.assign(md5hash="../evil").to_csv(index=False).encode()
    file = manifest.files[0].model_dump() | {
        "bytes": len(body),
        "digest": "sha256:" + hashlib.sha256(body).hexdigest(),
    }
    server.files["labels.csv"] = body
    with pytest.raises(InputError, match="is no md5"):
        fetch(manifest_of("fitzpatrick17k", files=[file]), tmp_path, **QUICK)


def test_unknown_addresses_are_listed(tmp_path):
    result = fetch(load_manifest("cleanpatrick"), tmp_path, **QUICK)
    assert len(result.failures) == 3
    assert result.failures["cause"].str.startswith("its address is not known").all()


@pytest.mark.parametrize("name", ["passion", "ddi"])
def test_sets_behind_a_form_give_the_steps(name, tmp_path):
    with pytest.raises(InputError, match=rf"(?s){name} cannot be fetched by a program.*1\. .*2\. "):
        fetch(load_manifest(name), tmp_path)
    assert not list(tmp_path.iterdir())
