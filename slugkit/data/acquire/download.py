"""Fetch files from servers that misbehave: whole and right at their final path, or listed."""

import hashlib
import os
import shutil
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import httpx

from slugkit.errors import InputError
from slugkit.progress import stay_silent

LONGEST_PAUSE = 120.0
# A host that cannot be reached this often in a row is given up, with all that is left on it.
UNREACHABLE = 8
# Worth another attempt; other refusals (403, 404, 410, ...) are final.
TRANSIENT = {408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Request:
    """One file to fetch."""

    url: str
    path: Path
    digest: str = ""  # "md5:..." or "sha256:..."; empty if unknown
    size: int | None = None  # bytes


@dataclass(frozen=True)
class Outcome:
    """What became of a request."""

    request: Request
    status: Literal["fetched", "present", "failed"]
    cause: str = ""
    attempts: int = 0


class _Final(Exception):
    """Another attempt cannot help."""


class _Passing(Exception):
    """Another attempt may help."""

    def __init__(self, cause: str, pause: float = 0.0):
        super().__init__(cause)
        self.pause = pause


class _Unreachable(_Passing):
    """The host did not answer at all."""


@dataclass
class _Run:
    """What the threads of one call share."""

    client: httpx.Client
    attempts: int
    pause: float
    report: Callable[[str], None]
    stop: threading.Event = field(default_factory=threading.Event)
    # Times in a row that a host could not be reached.
    unreachable: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def download(
    requests: Sequence[Request],
    *,
    per_host: int = 4,
    attempts: int = 4,
    timeout: float = 30.0,
    pause: float = 1.0,
    progress: Callable[[int, int, str], None] = stay_silent,
) -> list[Outcome]:
    """Fetch files in parallel; a file is at its path only if it is whole and has its digest.

    A file that is there and right is not fetched. What a killed run has fetched of a file is
    continued, if the server can do that and the file is still the same one.

    Parameters
    ----------
    requests
        The files; their paths must differ.
    per_host
        Connections to one host at a time.
    attempts
        Per file, where the failure may pass (a server error, a cut connection, a stall).
    timeout
        Seconds without a single byte after which an attempt counts as stalled.
    pause
        Seconds before the second attempt; doubled before each later one. A server that says how
        long to wait is obeyed, up to two minutes.
    progress
        Called as progress(done, total, message), by one thread at a time.

    Returns
    -------
    list of Outcome
        One per request, in their order.

    Raises
    ------
    InputError
        Two requests have the same path, or a file cannot be written.
    """
    if len({request.path for request in requests}) < len(requests):
        raise InputError("two downloads have the same path; give each file its own")
    _check_space(requests)
    lock = threading.Lock()
    done = 0

    def report(message: str, finished: int = 0) -> None:
        nonlocal done
        with lock:
            done += finished
            progress(done, len(requests), message)

    hosts = {httpx.URL(request.url).host for request in requests}
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=per_host * len(hosts))
    headers = {"User-Agent": "slugkit", "Accept-Encoding": "identity"}
    with ExitStack() as stack:
        client = stack.enter_context(
            httpx.Client(follow_redirects=True, timeout=timeout, limits=limits, headers=headers)
        )
        run = _Run(client, attempts, pause, report)
        # One pool per host: a slow host holds up nobody else.
        pools = {host: stack.enter_context(ThreadPoolExecutor(per_host)) for host in hosts}

        def work(request: Request) -> Outcome:
            outcome = _fetch(run, request)
            report(f"{request.path.name} {outcome.status}", 1)
            return outcome

        futures: list[Future[Outcome]] = []
        try:
            futures = [
                pools[httpx.URL(request.url).host].submit(work, request) for request in requests
            ]
            return [future.result() for future in futures]
        except BaseException:
            run.stop.set()
            for future in futures:
                future.cancel()
            raise


def _check_space(requests: Sequence[Request]) -> None:
    needed = sum(request.size or 0 for request in requests if not request.path.exists())
    if not needed:
        return
    folder = next(path for path in requests[0].path.absolute().parents if path.is_dir())
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise InputError(
            f"the files need {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free on the disk of "
            f"{folder}; make room or choose another data root"
        )


def _fetch(run: _Run, request: Request) -> Outcome:
    host = httpx.URL(request.url).host
    try:
        if request.path.is_file() and not _problem(request, request.path):
            return Outcome(request, "present")
        request.path.parent.mkdir(parents=True, exist_ok=True)
        cause = ""
        for attempt in range(1, run.attempts + 1):
            if run.unreachable[host] >= UNREACHABLE:
                return Outcome(request, "failed", f"{host} cannot be reached", attempt - 1)
            try:
                _attempt(run, request)
                return Outcome(request, "fetched", "", attempt)
            except _Final as error:
                return Outcome(request, "failed", str(error), attempt)
            except _Passing as error:
                cause = str(error)
                unreachable = isinstance(error, _Unreachable)
                run.unreachable[host] = run.unreachable[host] + 1 if unreachable else 0
                if attempt < run.attempts:
                    wait = max(error.pause, run.pause * 2 ** (attempt - 1))
                    run.stop.wait(min(wait, LONGEST_PAUSE))
        return Outcome(request, "failed", cause, run.attempts)
    except OSError as error:
        raise InputError(
            f"{request.path}: cannot be written ({error.strerror}); make room or choose another "
            "data root, then run the same command again: it continues where it stopped"
        ) from error


def _attempt(run: _Run, request: Request) -> None:
    partial = request.path.with_name(f".{request.path.name}.partial")
    # The server's name for this version of the file: bytes of two versions must not be joined.
    version = request.path.with_name(f".{request.path.name}.version")
    have = partial.stat().st_size if partial.is_file() else 0
    if have and request.digest and not _problem(request, partial):
        # Killed after the last byte and before the renaming.
        _complete(request, partial, version)
        return
    headers = {}
    if have and version.is_file():
        headers = {"Range": f"bytes={have}-", "If-Range": version.read_text(encoding="utf-8")}
    elif have and request.digest:
        headers = {"Range": f"bytes={have}-"}
    try:
        with run.client.stream("GET", request.url, headers=headers) as response:
            resumed = _check(request, response, have if headers else 0, partial)
            _receive(run, request, response, partial, version, have if resumed else 0)
    except httpx.TooManyRedirects as error:
        raise _Final("a redirect loop") from error
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise _Final(f"not a web address ({error})") from error
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise _Unreachable(f"cannot be reached ({error})") from error
    except httpx.TimeoutException as error:
        raise _Passing("the server stalled") from error
    except httpx.TransportError as error:
        raise _Passing(f"the connection was cut ({error})") from error
    if problem := _problem(request, partial):
        partial.unlink()
        # A resumed file may be of two versions: once more, from the start.
        raise _Passing(problem) if resumed else _Final(problem)
    _complete(request, partial, version)


def _check(request: Request, response: httpx.Response, asked: int, partial: Path) -> bool:
    """Check the head of a response; return whether it continues at the byte asked for."""
    status = response.status_code
    if status == 416:
        partial.unlink(missing_ok=True)
        raise _Passing("the server has fewer bytes than were fetched before")
    if status in TRANSIENT:
        after = response.headers.get("Retry-After", "")
        raise _Passing(f"HTTP {status}", float(after) if after.isdigit() else 0.0)
    if status not in (200, 206):
        raise _Final(f"HTTP {status}")
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise _Final("a web page in place of the file")
    if status == 200:
        return False
    if not response.headers.get("Content-Range", "").startswith(f"bytes {asked}-"):
        partial.unlink(missing_ok=True)
        raise _Passing("the server sent another part than the one asked for")
    return True


def _receive(
    run: _Run,
    request: Request,
    response: httpx.Response,
    partial: Path,
    version: Path,
    have: int,
) -> None:
    length = response.headers.get("Content-Length", "")
    total = have + int(length) if length.isdigit() else None
    if total is not None and request.size is not None and total != request.size:
        partial.unlink(missing_ok=True)
        raise _Final(f"wrong length: {total} bytes announced, {request.size} expected")
    tag = response.headers.get("ETag", response.headers.get("Last-Modified", ""))
    # A weak tag does not promise the same bytes.
    if tag and not tag.startswith("W/"):
        version.write_text(tag, encoding="utf-8")
    else:
        version.unlink(missing_ok=True)
    with partial.open("ab" if have else "wb") as out:
        for chunk in response.iter_raw():
            if run.stop.is_set():
                raise _Final("stopped")
            out.write(chunk)
            have += len(chunk)
            run.report(_progress_of(request, have, total))
        out.flush()
        os.fsync(out.fileno())


def _progress_of(request: Request, have: int, total: int | None) -> str:
    share = f" ({100 * have // total} %)" if total else ""
    return f"{request.path.name} {have / 1e6:.1f} MB{share}"


def _problem(request: Request, path: Path) -> str:
    """Say what is wrong with the bytes of a file, or nothing."""
    size = path.stat().st_size
    if request.size is not None and size != request.size:
        return f"wrong length: {size} bytes, {request.size} expected"
    if not size:
        return "an empty file"
    with path.open("rb") as stream:
        start = stream.read(64).lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page in place of the file"
    if request.digest:
        kind, expected = request.digest.split(":")
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, kind).hexdigest()
        if found != expected:
            return f"wrong digest: {kind} {found}, {expected} expected"
    return ""


def _complete(request: Request, partial: Path, version: Path) -> None:
    os.replace(partial, request.path)
    version.unlink(missing_ok=True)
