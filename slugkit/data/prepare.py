"""Training arrays: every image decoded once, into a memory-mapped file with an index table."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import PIL
from numpy.typing import NDArray

from slugkit.data.duplicates import fingerprints, merge_groups, near_duplicates, published_pairs
from slugkit.data.images import read_pixels
from slugkit.errors import InputError
from slugkit.files import atomic_path, sha256
from slugkit.progress import stay_silent

# Images between two entries of the journal: what a killed run loses at most.
CHUNK = 128
# Raise it when the same files would give other arrays.
FORMAT = 1


@dataclass(frozen=True)
class Prepared:
    """Arrays and index of one data set at one size; see `prepare`."""

    table: pd.DataFrame  # index table, with sha256 of each file and its row in the array
    images: NDArray[np.uint8]  # (n, size, size, 3), memory-mapped
    failures: pd.DataFrame  # image_id, file, reason
    duplicates: pd.DataFrame  # first, second (image_id), distance, correlation if found here
    left_out: dict[str, int] = field(default_factory=dict)  # reason: images, by the reader

    def load(self, table: pd.DataFrame) -> NDArray[np.float32]:
        """Return the images of an index table, in its order, as float32 in [0, 1].

        Raises
        ------
        InputError
            An image of the table was not prepared.
        """
        rows = table["image_id"].map(self.table.set_index("image_id")["row"])
        if rows.isna().any():
            raise InputError(
                f"{rows.isna().sum()} images were not prepared, such as "
                f"{table.loc[rows.isna(), 'image_id'].iloc[0]}; see failures.csv"
            )
        return self.images[rows.to_numpy(np.intp)].astype(np.float32) / np.float32(255)


def prepare(
    table: pd.DataFrame,
    root: str | Path,
    folder: str | Path,
    size: int = 128,
    *,
    published: Sequence[Path] = (),
    workers: int = 2,
    progress: Callable[[int, int, str], None] = stay_silent,
) -> Prepared:
    """Decode the images of an index table into a memory-mapped array, once.

    A run that was killed continues where it was; a finished one is opened if size, table and files
    are still the same. An unreadable image is left out and listed in failures.csv. Near-duplicates
    are looked for, and their groups merged in the index table.

    Parameters
    ----------
    table
        Index table of files.
    root
        The data root.
    folder
        Where images.npy, index.parquet, failures.csv, duplicates.csv and prepared.json go.
    size
        Side of the square images, in pixels.
    published
        Published lists of near-duplicates; see `duplicates.published_pairs`.
    workers
        Threads that decode.
    progress
        Called as progress(done, total, message).

    Raises
    ------
    InputError
        The table is empty, a file is missing, every image is unreadable, or the disk is too small.
    """
    root, folder = Path(root), Path(folder)
    recipe = _recipe(table, root, size, published)
    if _finished(folder, recipe):
        progress(len(table), len(table), "already prepared")
        return open_prepared(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prepared.json").unlink(missing_ok=True)
    journal = _decode(table, root, folder, size, recipe, workers, progress)
    return _finish(table, folder, journal, recipe, published, progress)


def open_prepared(folder: str | Path) -> Prepared:
    """Open what `prepare` has made; the images stay on the disk until they are used.

    Raises
    ------
    InputError
        The folder holds no finished arrays.
    """
    folder = Path(folder)
    if not (folder / "prepared.json").is_file():
        raise InputError(
            f"{folder}: no prepared images; run `slugkit data prepare NAME --size SIDE`"
        )
    record = json.loads((folder / "prepared.json").read_text(encoding="utf-8"))
    return Prepared(
        left_out=record.get("left_out", {}),
        table=pd.read_parquet(folder / "index.parquet"),
        images=np.load(folder / "images.npy", mmap_mode="r"),
        failures=pd.read_csv(folder / "failures.csv", dtype="str"),
        duplicates=pd.read_csv(folder / "duplicates.csv", dtype={"first": "str", "second": "str"}),
    )


def is_intact(folder: str | Path) -> bool:
    """Whether the array's bytes still have the digest they were given when it was made."""
    folder = Path(folder)
    try:
        record = json.loads((folder / "prepared.json").read_text(encoding="utf-8"))
        return bool(record["sha256"] == sha256(folder / "images.npy"))
    except (OSError, ValueError, KeyError):
        return False


def _recipe(table: pd.DataFrame, root: Path, size: int, published: Sequence[Path]) -> str:
    """Return a digest of all that the arrays depend on."""
    if table.empty:
        raise InputError("no images to prepare: the index table is empty")
    state: list[object] = [FORMAT, PIL.__version__, size, table.astype("str").to_csv(index=False)]
    for file in table["file"]:
        try:
            status = (root / file).stat()
        except OSError as error:
            raise InputError(f"{root / file}: no such file; index the data set again") from error
        state.append([status.st_size, status.st_mtime_ns])
    state += [sha256(path) for path in published]
    return hashlib.sha256(json.dumps(state).encode()).hexdigest()


def _finished(folder: Path, recipe: str) -> bool:
    try:
        record = json.loads((folder / "prepared.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(record.get("recipe") == recipe)


def _decode(
    table: pd.DataFrame,
    root: Path,
    folder: Path,
    size: int,
    recipe: str,
    workers: int,
    progress: Callable[[int, int, str], None],
) -> pd.DataFrame:
    """Fill the partial array, chunk by chunk, and return the journal: row, sha256, reason."""
    shape = (len(table), size, size, 3)
    array, journal = folder / "images.partial.npy", folder / "journal.partial.jsonl"
    entries = _read_journal(journal, recipe) if array.is_file() else []
    if not entries:
        _check_space(folder, int(np.prod(shape)))
        np.lib.format.open_memmap(array, "w+", np.uint8, shape).flush()
        journal.write_text(recipe + "\n", encoding="utf-8")
    images = np.lib.format.open_memmap(array, "r+")

    def decode(row: int) -> tuple[int, str, str]:
        path = root / table["file"].iloc[row]
        try:
            images[row] = read_pixels(path, size)
        except InputError as error:
            return row, "", str(error)
        return row, sha256(path), ""

    todo = sorted(set(range(len(table))) - {row for row, _, _ in entries})
    progress(len(entries), len(table), "")
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(todo), CHUNK):
            chunk = list(pool.map(decode, todo[start : start + CHUNK]))
            # Pixels first: a row that is in the journal is on the disk.
            images.flush()
            with journal.open("a", encoding="utf-8") as stream:
                stream.writelines(json.dumps(entry) + "\n" for entry in chunk)
                stream.flush()
                os.fsync(stream.fileno())
            entries += chunk
            progress(len(entries), len(table), "")
    return pd.DataFrame(sorted(entries), columns=["row", "sha256", "reason"])


def _read_journal(journal: Path, recipe: str) -> list[tuple[int, str, str]]:
    """Return the rows already decoded; none if they belong to another recipe."""
    if not journal.is_file():
        return []
    first, *lines = journal.read_text(encoding="utf-8").split("\n")
    # What follows the last newline was being written when the run was killed.
    return [tuple(json.loads(line)) for line in lines[:-1]] if first == recipe else []


def _finish(
    table: pd.DataFrame,
    folder: Path,
    journal: pd.DataFrame,
    recipe: str,
    published: Sequence[Path],
    progress: Callable[[int, int, str], None],
) -> Prepared:
    # The journal has one row for each of the table, in its order.
    whole = pd.concat([table.reset_index(drop=True), journal], axis=1)
    readable = whole["reason"] == ""
    if not readable.any():
        raise InputError(f"none of the {len(whole)} images can be read: {whole['reason'][0]}")
    failures = whole.loc[~readable, ["image_id", "file", "reason"]]
    index = whole[readable].drop(columns="reason").reset_index(drop=True)

    images = np.load(folder / "images.partial.npy", mmap_mode="r")
    prints = fingerprints(
        [images[row] for row in index["row"]],
        lambda done, total, _: progress(done, total, "looking for duplicates"),
    )
    pairs = near_duplicates(prints)
    pairs = pd.concat([pairs, *(published_pairs(index, path) for path in published)])
    index = merge_groups(index, pairs)
    if "duplicate_group" in index:
        index = merge_groups(index, pairs, "duplicate_group")
    names = index["image_id"].to_numpy()
    pairs = pairs.assign(first=names[pairs["first"]], second=names[pairs["second"]])

    with atomic_path(folder / "index.parquet") as path:
        index.to_parquet(path, index=False)
    for name, sheet in (("failures.csv", failures), ("duplicates.csv", pairs)):
        with atomic_path(folder / name) as path:
            sheet.to_csv(path, index=False)
    del images
    os.replace(folder / "images.partial.npy", folder / "images.npy")
    record = {
        "recipe": recipe,
        "images": len(index),
        "unreadable": len(failures),
        "left_out": table.attrs.get("left_out", {}),
        "sha256": sha256(folder / "images.npy"),
        "pillow": PIL.__version__,
        "numpy": np.__version__,
    }
    with atomic_path(folder / "prepared.json") as path:
        path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    (folder / "journal.partial.jsonl").unlink()
    return open_prepared(folder)


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise InputError(
            f"{folder}: the arrays need {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free; "
            "make room, choose another folder or a smaller size"
        )
