"""Unpack zip archives from the web without trusting them."""

import os
import re
import shutil
import stat
import zipfile
from pathlib import Path, PurePosixPath

from slugkit.errors import InputError

# Pictures are compressed already: an archive that grows more than this holds none.
LARGEST_RATIO = 200
_SMALL = 1 << 20


def unpack(archive: str | Path, folder: str | Path) -> list[Path]:
    """Unpack a zip archive, and the zip archives directly inside it, into a folder.

    Every member is checked before the first is written; the files appear in the folder only after
    all of them have been read and their checksums are right.

    Parameters
    ----------
    archive
        The zip file.
    folder
        Where its members go; created if needed. Existing files of the same names are replaced.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    InputError
        The archive is no zip or is truncated; a member's path climbs out of the folder, or is
        absolute; a member is a link or a device, is encrypted, or occurs twice, or is compressed
        in a way that Python does not know; the whole grows more than 200-fold (a decompression
        bomb); the disk is too small.
    """
    archive, folder = Path(archive), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    work = folder / f".unpacking-{archive.name}"
    # What a killed run has left.
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        _extract(archive, work)
        for inner in sorted(work.rglob("*.zip")):
            _extract(inner, inner.parent)
            inner.unlink()
        return [_move(path, work, folder) for path in sorted(work.rglob("*")) if path.is_file()]
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _extract(archive: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(archive) as source:
            members = [info for info in source.infolist() if not info.is_dir()]
            _check(archive, members, folder)
            for info in members:
                _write(source, info, folder)
    except NotImplementedError as error:  # raised by zipfile for a compression it does not know
        raise InputError(
            f"{archive}: packed in a way that Python cannot unpack ({error}); unpack it with "
            "another program, and pack it again as a plain zip archive"
        ) from error
    except (zipfile.BadZipFile, EOFError) as error:
        raise InputError(
            f"{archive}: a broken or truncated zip archive ({error}); delete it and fetch it again"
        ) from error


def _check(archive: Path, members: list[zipfile.ZipInfo], folder: Path) -> None:
    seen: set[str] = set()
    for info in members:
        if problem := _problem(info, seen):
            raise InputError(
                f"{archive}: refused, its member {info.filename!r} {problem}; "
                "do not use this archive, and tell its publisher"
            )
        # Some file systems do not tell upper from lower case.
        seen.add(info.filename.lower())
    needed = sum(info.file_size for info in members)
    # Of the whole, since members may share the same compressed bytes.
    size = archive.stat().st_size
    if needed > LARGEST_RATIO * size + _SMALL:
        raise InputError(
            f"{archive}: refused, it grows from {size} to {needed} bytes (a decompression bomb); "
            "do not use this archive, and tell its publisher"
        )
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise InputError(
            f"{archive}: unpacking needs {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free "
            f"on the disk of {folder}; make room or choose another data root"
        )


def _problem(info: zipfile.ZipInfo, seen: set[str]) -> str:
    path = PurePosixPath(info.filename)
    if path.is_absolute() or re.match("[A-Za-z]:", info.filename):
        return "has an absolute path"
    if ".." in path.parts or "\\" in info.filename:
        return "has a path that climbs out of the folder"
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "is a symbolic link"
    if kind not in (0, stat.S_IFREG):
        return "is no regular file"
    if info.flag_bits & 1:
        return "is encrypted"
    if info.filename.lower() in seen:
        return "occurs twice"
    return ""


def _write(source: zipfile.ZipFile, info: zipfile.ZipInfo, folder: Path) -> None:
    target = folder / info.filename
    target.parent.mkdir(parents=True, exist_ok=True)
    # zipfile stops at the size that the member states and then compares the checksum.
    with source.open(info) as stream, target.open("xb") as out:
        shutil.copyfileobj(stream, out)


def _move(path: Path, work: Path, folder: Path) -> Path:
    target = folder / path.relative_to(work)
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(path, target)
    return target
