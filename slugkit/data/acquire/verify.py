"""Compare the files under the data root with the manifests."""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from slugkit.data.acquire.manifests import Contents, Layout, Manifest
from slugkit.data.images import read_pixels
from slugkit.data.readers.tables import SUFFIXES
from slugkit.errors import InputError
from slugkit.files import sha256
from slugkit.progress import stay_silent


@dataclass(frozen=True)
class Check:
    """One comparison."""

    what: str
    right: bool
    found: str


def present(manifest: Manifest, root: str | Path) -> list[Layout]:
    """Return the layouts of a data set whose folder is under the data root.

    Where two layouts have the same folder, the table of digests tells which of them it is.
    """
    found = [layout for layout in manifest.layouts if (Path(root) / layout.folder).is_dir()]
    folders = [layout.folder for layout in found]

    def is_it(layout: Layout) -> bool:
        tables = {one.digests for one in found if one.folder == layout.folder} - {""}
        listed = any((Path(root) / layout.folder / table).is_file() for table in tables)
        return folders.count(layout.folder) == 1 or bool(layout.digests) == listed

    return [layout for layout in found if is_it(layout)]


def count(contents: Contents, folder: Path) -> int:
    """Return how many files match the pattern of a layout."""
    return sum(path.is_file() for path in folder.glob(contents.pattern))


def verify(
    manifest: Manifest,
    root: str | Path,
    *,
    workers: int = 2,
    progress: Callable[[int, int, str], None] = stay_silent,
) -> list[Check]:
    """Check the folders of a data set: numbers of files, digests, and that every image opens.

    Parameters
    ----------
    manifest
        Of the data set.
    root
        The data root.
    workers
        Threads that read.
    progress
        Called as progress(done, total, message).

    Raises
    ------
    InputError
        None of the data set's folders is there.
    """
    layouts = present(manifest, root)
    if not layouts:
        folders = " or ".join(layout.folder for layout in manifest.layouts)
        raise InputError(
            f"{manifest.name}: no folder {folders} under {root}; "
            f"see `slugkit data show {manifest.name}` for how to get it"
        )
    checks: list[Check] = []
    for layout in layouts:
        folder = Path(root) / layout.folder
        table = folder / layout.digests if layout.digests else None
        listed = pd.read_csv(table, dtype="str") if table and table.is_file() else None
        # Names that are digests of the originals cannot be checked on smaller copies of some of
        # them, but a table of the copies' own digests can.
        copies = len(listed) if listed is not None and manifest.image_column else None
        checks += _check_contents(layout, folder, copies)
        if listed is not None:
            checks.append(_check_table(folder, str(layout.digests), listed))
        images = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
        if images and manifest.image_column and copies is None:
            checks.append(_check_names(folder, images))
        if images:
            checks.append(_check_images(folder, images, workers, progress))
    return checks


def _check_contents(layout: Layout, folder: Path, copies: int | None) -> Iterator[Check]:
    for contents in layout.contents:
        what = f"{layout.folder}/{contents.pattern}"
        found = count(contents, folder)
        expected = contents.count
        if copies is not None and Path(contents.pattern).suffix in SUFFIXES:
            expected = copies
        right = found > 0 if expected == "unknown" else found == expected
        yield Check(what, right, f"{found} of {expected} files")
        path = folder / contents.pattern
        if contents.digest and path.is_file():
            kind, digest = contents.digest.split(":")
            with path.open("rb") as stream:
                same = hashlib.file_digest(stream, kind).hexdigest() == digest
            yield Check(what, same, f"{kind} {'right' if same else 'wrong'}")


def _check_table(folder: Path, name: str, rows: pd.DataFrame) -> Check:
    wrong = [
        file
        for file, digest in zip(rows["file"], rows["sha256"], strict=True)
        if not (folder / file).is_file() or sha256(folder / file) != digest
    ]
    return _summary(f"{folder.name}: sha256 of the files in {name}", wrong, len(rows))


def _check_names(folder: Path, images: list[Path]) -> Check:
    wrong = []
    for path in images:
        with path.open("rb") as stream:
            if hashlib.file_digest(stream, "md5").hexdigest() != path.stem:
                wrong.append(path.name)
    return _summary(f"{folder.name}: md5 of the bytes is the name", wrong, len(images))


def _check_images(
    folder: Path,
    images: list[Path],
    workers: int,
    progress: Callable[[int, int, str], None],
) -> Check:
    def problem(path: Path) -> str:
        try:
            read_pixels(path, 16)
        except InputError as error:
            return str(error)
        return ""

    wrong = []
    with ThreadPoolExecutor(workers) as pool:
        for done, error in enumerate(pool.map(problem, images), 1):
            if error:
                wrong.append(error)
            progress(done, len(images), folder.name)
    return _summary(f"{folder.name}: every image opens", wrong, len(images))


def _summary(what: str, wrong: list[str], total: int) -> Check:
    found = f"{total - len(wrong)} of {total} right"
    if wrong:
        found += f"; not {', '.join(wrong[:3])}" + (" ..." if len(wrong) > 3 else "")
    return Check(what, not wrong, found)
