"""Fetch a data set as its manifest says, and list what could not be fetched."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from slugkit.data.acquire.archives import unpack
from slugkit.data.acquire.download import Outcome, Request, download
from slugkit.data.acquire.manifests import ImageColumn, Manifest
from slugkit.errors import InputError
from slugkit.files import atomic_path
from slugkit.progress import stay_silent

Download = Callable[[list[Request]], list[Outcome]]


@dataclass(frozen=True)
class Fetched:
    """What one call of `fetch` has done."""

    folder: Path
    fetched: int
    present: int
    failures: pd.DataFrame  # file, url, cause, attempts


def fetch(
    manifest: Manifest,
    root: str | Path,
    *,
    per_host: int = 4,
    attempts: int = 4,
    timeout: float = 30.0,
    pause: float = 1.0,
    progress: Callable[[int, int, str], None] = stay_silent,
) -> Fetched:
    """Fetch and unpack the files of a data set, then its single images where it has a table.

    Run it again at any time: it continues where it stopped and fetches nothing twice. What could
    not be fetched is in failures.csv of the data set's folder, with the cause.

    Parameters
    ----------
    manifest
        Of the data set; see `manifests.load_manifest`.
    root
        The data root; the files go into the manifest's first folder.
    per_host, attempts, timeout, pause, progress
        See `download.download`.

    Raises
    ------
    InputError
        The data set cannot be fetched without a person (a form, an agreement): the message has the
        steps. Or the disk is full, or an archive is refused.
    """
    folder = Path(root) / manifest.layouts[0].folder
    if manifest.access != "open":
        steps = "\n".join(f"  {k}. {step}" for k, step in enumerate(manifest.steps, 1))
        raise InputError(
            f"{manifest.name} cannot be fetched by a program ({manifest.access}):\n{steps}"
        )

    def run(requests: list[Request]) -> list[Outcome]:
        return download(
            requests,
            per_host=per_host,
            attempts=attempts,
            timeout=timeout,
            pause=pause,
            progress=progress,
        )

    outcomes = _fetch_files(manifest, folder, run)
    if manifest.image_column and (folder / manifest.image_column.table).is_file():
        outcomes += _fetch_images(manifest.image_column, folder, run)
    failures = pd.DataFrame(
        [
            (str(o.request.path.relative_to(folder)), o.request.url, o.cause, o.attempts)
            for o in outcomes
            if o.status == "failed"
        ],
        columns=["file", "url", "cause", "attempts"],
    )
    with atomic_path(folder / "failures.csv") as path:
        failures.to_csv(path, index=False)
    return Fetched(
        folder,
        sum(outcome.status == "fetched" for outcome in outcomes),
        sum(outcome.status == "present" for outcome in outcomes),
        failures,
    )


def _fetch_files(manifest: Manifest, folder: Path, run: Download) -> list[Outcome]:
    outcomes, requests = [], []
    for file in manifest.files:
        request = Request(
            file.url,
            folder / file.name,
            "" if file.digest == "unknown" else file.digest,
            None if file.bytes == "unknown" else int(file.bytes),
        )
        if file.url.startswith("http"):
            requests.append(request)
        else:
            cause = "its address is not known" if file.url == "unknown" else "a storage bucket"
            remedy = f"; see `slugkit data show {manifest.name}`"
            outcomes.append(Outcome(request, "failed", cause + remedy))
    outcomes += run(requests)
    archives = {folder / file.name for file in manifest.files if file.unpack}
    for outcome in outcomes:
        if outcome.status != "failed" and outcome.request.path in archives:
            _unpack_once(outcome.request.path, folder)
    return outcomes


def _unpack_once(archive: Path, folder: Path) -> None:
    mark = archive.with_name(f".{archive.name}.unpacked")
    size = str(archive.stat().st_size)
    if mark.is_file() and mark.read_text(encoding="utf-8") == size:
        return
    unpack(archive, folder)
    with atomic_path(mark) as path:
        path.write_text(size, encoding="utf-8")


def _fetch_images(column: ImageColumn, folder: Path, run: Download) -> list[Outcome]:
    rows = pd.read_csv(folder / column.table, dtype="str", keep_default_na=False)
    # An image that a person has put elsewhere in the folder is taken as it is.
    known = {path.name: path for path in folder.rglob(f"*{column.suffix}")}
    outcomes, requests = [], []
    for md5, url in zip(rows[column.md5], rows[column.url], strict=True):
        if not re.fullmatch("[0-9a-f]{32}", md5):
            raise InputError(f"{folder / column.table}: {md5!r} is no md5; fetch the table again")
        name = md5 + column.suffix
        request = Request(url, known.get(name, folder / column.folder / name), f"md5:{md5}")
        if url or name in known:
            requests.append(request)
        else:
            outcomes.append(Outcome(request, "failed", "the table has no address for it"))
    return outcomes + run(requests)
