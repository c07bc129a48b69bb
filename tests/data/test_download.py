import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from functools import partial

import numpy as np
import pytest
from misbehaving_server import running_server

from slugkit.data.acquire import download as module
from slugkit.data.acquire.download import Request, download
from slugkit.errors import InputError

BODY = np.random.default_rng(0).bytes(200_000)
SIZE = len(BODY)
MD5 = "md5:" + hashlib.md5(BODY).hexdigest()
QUICK = {"attempts": 3, "timeout": 600.0, "pause": 0.01}
# Only where the server never answers; elsewhere a slow machine would pass for a stalled server.
IMPATIENT = {"attempts": 3, "timeout": 1.0, "pause": 0.01}

# behaviour: requests that the server sees
SUCCEEDS = {
    "good": 1,
    "flaky": 3,
    "cut": 2,
    "cut-without-range": 2,
    "cut-then-changed": 2,
    "cut-then-other-part": 3,
    "moved": 1,
}
FAILS = {
    "missing": ("HTTP 404", 1),
    "forbidden": ("HTTP 403", 1),
    "broken": ("HTTP 503", 3),
    "too-short": ("wrong length: 200100 bytes announced, 200000 expected", 1),
    "too-long": ("wrong length: 200004 bytes announced, 200000 expected", 1),
    "page": ("a web page in place of the file", 1),
    "page-as-jpeg": ("wrong length: 33 bytes announced", 1),
    "empty": ("wrong length: 0 bytes announced", 1),
    "loop": ("a redirect loop", 1),
    "wrong": ("wrong digest: md5", 1),
}


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with running_server({"a.jpg": BODY}) as server:
        yield server


def request(server, behaviour, folder, *, digest=MD5, size=SIZE):
    return Request(server.url(behaviour, "a.jpg"), folder / f"{behaviour}.jpg", digest, size)


def seen(server, behaviour):
    return sum(path == f"/{behaviour}/a.jpg" for path, _ in server.log)


def leftovers(folder):
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


def test_a_mixed_crowd_ends_right_or_listed(server, tmp_path):
    behaviours = [*SUCCEEDS, *FAILS]
    requests = [request(server, behaviour, tmp_path) for behaviour in behaviours]
    outcomes = download(requests, **QUICK)
    assert [outcome.request for outcome in outcomes] == requests
    for behaviour, outcome in zip(behaviours, outcomes, strict=True):
        path = tmp_path / f"{behaviour}.jpg"
        if behaviour in SUCCEEDS:
            assert outcome.status == "fetched", (behaviour, outcome.cause)
            assert path.read_bytes() == BODY
            assert outcome.attempts == SUCCEEDS[behaviour]
        else:
            cause, attempts = FAILS[behaviour]
            assert outcome.status == "failed", behaviour
            assert outcome.cause.startswith(cause), behaviour
            assert outcome.attempts == attempts, behaviour
            assert not path.exists()

    before = len(server.log)
    again = download([request(server, behaviour, tmp_path) for behaviour in SUCCEEDS], **QUICK)
    assert {outcome.status for outcome in again} == {"present"}
    assert len(server.log) == before


def test_a_stalled_server_is_given_up(server, tmp_path):
    (outcome,) = download([request(server, "stall", tmp_path)], **IMPATIENT)
    assert (outcome.status, outcome.cause) == ("failed", "the server stalled")
    assert outcome.attempts == 3
    assert not (tmp_path / "stall.jpg").exists()


def test_a_download_that_stalled_once_continues(server, tmp_path):
    # As many attempts as a slow machine may need.
    (outcome,) = download([request(server, "stall-once", tmp_path)], **IMPATIENT | {"attempts": 99})
    assert outcome.status == "fetched"
    assert outcome.attempts > 1
    assert server.log[1] == ("/stall-once/a.jpg", f"bytes={SIZE // 2}-")
    assert (tmp_path / "stall-once.jpg").read_bytes() == BODY


def test_a_cut_download_continues_where_it_stopped(server, tmp_path):
    download([request(server, "cut", tmp_path)], **QUICK)
    assert server.log == [("/cut/a.jpg", ""), ("/cut/a.jpg", f"bytes={len(BODY) // 2}-")]
    assert server.sent == len(BODY)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    "behaviour", ["good", "cut", "cut-without-range", "cut-then-changed", "flaky"]
)
def test_without_digest_and_length(server, tmp_path, behaviour):
    (outcome,) = download([request(server, behaviour, tmp_path, digest="", size=None)], **QUICK)
    assert outcome.status == "fetched"
    assert (tmp_path / f"{behaviour}.jpg").read_bytes() == BODY


@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [("page-as-jpeg", "a web page"), ("empty", "an empty file"), ("too-short", "the connection")],
)
def test_what_can_be_noticed_without_digest_and_length(server, tmp_path, behaviour, cause):
    (outcome,) = download([request(server, behaviour, tmp_path, digest="", size=None)], **QUICK)
    assert outcome.status == "failed"
    assert outcome.cause.startswith(cause)
    assert not (tmp_path / f"{behaviour}.jpg").exists()


def test_two_versions_joined_are_noticed_and_fetched_anew(server, tmp_path):
    (outcome,) = download([request(server, "cut-then-changed-untold", tmp_path)], **QUICK)
    assert outcome.status == "fetched"
    assert outcome.attempts == 3
    assert outcome.request.path.read_bytes() == BODY


def test_a_wrong_file_at_the_final_path_is_replaced(server, tmp_path):
    (tmp_path / "good.jpg").write_bytes(b"half")
    (outcome,) = download([request(server, "good", tmp_path)], **QUICK)
    assert outcome.status == "fetched"
    assert (tmp_path / "good.jpg").read_bytes() == BODY


class Pauses(threading.Event):
    """Notes how long it was asked to wait, and does not."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def wait(self, timeout=None):
        self.seconds.append(timeout)
        return False


@pytest.mark.parametrize(("behaviour", "seconds"), [("busy", [1.0]), ("flaky", [0.01, 0.02])])
def test_a_server_is_given_the_time_it_asks_for(server, tmp_path, monkeypatch, behaviour, seconds):
    pauses = Pauses()
    monkeypatch.setattr(module, "_Run", partial(module._Run, stop=pauses))
    (outcome,) = download([request(server, behaviour, tmp_path)], **QUICK)
    assert outcome.status == "fetched"
    assert pauses.seconds == seconds


def test_a_whole_partial_file_is_not_fetched_again(server, tmp_path):
    (tmp_path / ".good.jpg.partial").write_bytes(BODY)
    (outcome,) = download([request(server, "good", tmp_path)], **QUICK)
    assert outcome.status == "fetched"
    assert server.log == []
    assert leftovers(tmp_path) == []


def test_a_partial_file_longer_than_the_file_is_dropped(server, tmp_path):
    (tmp_path / ".good.jpg.partial").write_bytes(BODY + b"x")
    (outcome,) = download([request(server, "good", tmp_path)], **QUICK)
    assert outcome.status == "fetched"
    assert [asked for _, asked in server.log] == [f"bytes={len(BODY) + 1}-", ""]


def test_per_host_limit(server, tmp_path):
    requests = [Request(server.url("slow", "a.jpg"), tmp_path / f"{k}.jpg") for k in range(2)]
    download(requests, per_host=1, **QUICK)
    assert server.sent_before == [0, SIZE]


def test_an_unreachable_host_is_given_up(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/a"
    requests = [Request(url, tmp_path / str(k)) for k in range(50)]
    outcomes = download(requests, per_host=2, **QUICK)
    assert all(outcome.status == "failed" for outcome in outcomes)
    assert sum(outcome.attempts for outcome in outcomes) < 15
    assert outcomes[-1].cause == "127.0.0.1 cannot be reached"


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/a", "file:///etc/passwd", "nonsense"])
def test_other_addresses_are_refused(tmp_path, url):
    (outcome,) = download([Request(url, tmp_path / "a")], **QUICK)
    assert outcome.status == "failed"
    assert outcome.cause.startswith("not a web address")


def test_killed_download_continues(tmp_path, server):
    code = (
        "import sys; from pathlib import Path; from slugkit.data.acquire.download import *;"
        "download([Request(sys.argv[1], Path(sys.argv[2]), sys.argv[3])], timeout=600)"
    )
    path = tmp_path / "half.jpg"
    part = tmp_path / ".half.jpg.partial"
    url = server.url("half", "a.jpg")
    process = subprocess.Popen([sys.executable, "-c", code, url, str(path), MD5])
    while not (part.is_file() and part.stat().st_size > len(BODY) // 4):
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not path.exists()
    have = part.stat().st_size
    server.gate.set()
    (outcome,) = download([Request(url, path, MD5)], **QUICK)
    assert outcome.status == "fetched"
    assert path.read_bytes() == BODY
    assert server.log[1:] == [("/half/a.jpg", f"bytes={have}-")]


def test_same_path_twice(tmp_path):
    twice = [Request("http://127.0.0.1/a", tmp_path / "a")] * 2
    with pytest.raises(InputError, match="same path"):
        download(twice)


def test_no_room_on_the_disk(tmp_path):
    huge = Request("http://127.0.0.1/a", tmp_path / "new" / "a", size=10**18)
    with pytest.raises(InputError, match="GB are free"):
        download([huge])
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_written(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    blocked = Request(server.url("good", "a.jpg"), tmp_path / "file" / "a.jpg")
    with pytest.raises(InputError, match="cannot be written"):
        download([blocked], **QUICK)


def test_nothing_to_do():
    assert download([]) == []


def test_progress_counts_files(server, tmp_path):
    calls = []
    download(
        [request(server, "good", tmp_path), request(server, "missing", tmp_path)],
        progress=lambda *call: calls.append(call),
        **QUICK,
    )
    assert calls[-1][:2] == (2, 2)
    assert any("MB (100 %)" in message for _, _, message in calls)
