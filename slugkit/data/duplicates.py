"""Near-duplicate images: found by perceptual hash, confirmed by thumbnail, kept in one group."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import imagehash
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from slugkit.errors import InputError
from slugkit.progress import stay_silent

THUMBNAIL = 32
# Rows of the distance matrix held at once: 256 x 16,577 x 8 bytes is 34 MB.
_ROWS = 256


@dataclass(frozen=True)
class Fingerprints:
    """What images are compared by; see `fingerprints`."""

    hashes: NDArray[np.uint64]  # (n,), perceptual hash
    thumbnails: NDArray[np.float32]  # (n, 1024), grey, mean 0, norm 1


def fingerprints(
    images: Sequence[NDArray[np.uint8]] | NDArray[np.uint8],
    progress: Callable[[int, int, str], None] = stay_silent,
) -> Fingerprints:
    """Return the perceptual hash and a normalised grey thumbnail of each image.

    Parameters
    ----------
    images
        Arrays of shape (H, W, 3), uint8.
    progress
        Called as progress(done, total, message) after each image.

    Notes
    -----
    The hash is the 64-bit DCT hash of the imagehash library. It sees neither mirrored nor rotated
    copies.
    """
    hashes, thumbnails = [], []
    for done, pixels in enumerate(images, 1):
        grey = Image.fromarray(pixels).convert("L")
        bits = imagehash.phash(grey).hash.ravel()
        hashes.append(int.from_bytes(np.packbits(bits).tobytes(), "big"))
        thumbnail = np.asarray(grey.resize((THUMBNAIL, THUMBNAIL)), np.float32).ravel()
        thumbnail -= thumbnail.mean()
        thumbnails.append(thumbnail / max(float(np.linalg.norm(thumbnail)), 1e-6))
        progress(done, len(images), "")
    return Fingerprints(
        np.array(hashes, np.uint64),
        np.array(thumbnails, np.float32).reshape(-1, THUMBNAIL * THUMBNAIL),
    )


def near_duplicates(
    prints: Fingerprints, *, max_distance: int = 8, min_correlation: float = 0.95
) -> pd.DataFrame:
    """Return the pairs of images that are nearly the same.

    The hash alone proposes pairs; on dermoscopic images, which are all a dark blob in the middle,
    most of its pairs at distances above 2 are different lesions. The correlation of the
    thumbnails decides.

    Parameters
    ----------
    max_distance
        Largest Hamming distance of the 64-bit hashes.
    min_correlation
        Smallest correlation of the grey thumbnails.

    Returns
    -------
    DataFrame
        Columns first and second (positions, first < second), distance, correlation.
    """
    found = []
    for first, second, distance in _close_pairs(prints.hashes, max_distance):
        correlation = np.einsum(
            "ij,ij->i", prints.thumbnails[first], prints.thumbnails[second], optimize=True
        )
        same = correlation >= min_correlation
        found.append(
            pd.DataFrame(
                {
                    "first": first[same],
                    "second": second[same],
                    "distance": distance[same],
                    "correlation": correlation[same],
                }
            )
        )
    return pd.concat(found, ignore_index=True)


def _close_pairs(
    hashes: NDArray[np.uint64], max_distance: int
) -> Iterable[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.uint8]]]:
    for start in range(0, max(len(hashes), 1), _ROWS):
        rows = hashes[start : start + _ROWS, None]
        distances = np.bitwise_count(rows ^ hashes[None, start:])
        first, second = np.nonzero(distances <= max_distance)
        above = second > first
        first, second = first[above], second[above]
        yield start + first, start + second, distances[first, second]


def published_lists(name: str, root: str | Path) -> list[Path]:
    """Return the published lists of near-duplicates of a data set under the data root."""
    # CleanPatrick is a published clean-up of Fitzpatrick17k.
    cleanpatrick = "cleanpatrick/near_duplicates.csv"
    listed = {
        "fitzpatrick17k": cleanpatrick,
        "fitzpatrick17k_c": cleanpatrick,
    }
    path = Path(root) / listed.get(name, "")
    return [path] if path.is_file() else []


def published_pairs(table: pd.DataFrame, path: str | Path) -> pd.DataFrame:
    """Return the pairs of near-duplicates that a published list names.

    Each row of the list names the images of one duplicate group, in whatever columns: this fits
    the list of CleanPatrick (md5hash_list, label; rows labelled 0 are left out) and that of ISIC
    2020. Images that are not in the table are passed over.

    Parameters
    ----------
    table
        Index table.
    path
        CSV file.

    Returns
    -------
    DataFrame
        Columns first and second: positions in the table.

    Raises
    ------
    InputError
        The file is missing or is no table.
    """
    try:
        rows = pd.read_csv(path, dtype="str", keep_default_na=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: no readable list of duplicates ({error})") from error
    if "label" in rows:
        rows = rows[~rows["label"].isin(["0", "0.0", "False"])]
    positions = {image: k for k, image in enumerate(table["image_id"])}
    pairs = []
    for cells in rows.astype("str").agg(" ".join, axis=1):
        named = [positions[word] for word in re.findall(r"\w+", cells) if word in positions]
        pairs += [(named[0], other) for other in named[1:] if other != named[0]]
    return pd.DataFrame(pairs, columns=["first", "second"], dtype="int64")


def merge_groups(table: pd.DataFrame, pairs: pd.DataFrame, column: str = "group") -> pd.DataFrame:
    """Return the index table with the groups of near-duplicates merged.

    Images are in one group if a chain of duplicates and former groups joins them. The merged group
    has the name of the first of its former groups.

    Parameters
    ----------
    table
        Index table.
    pairs
        Columns first and second: positions in the table.
    column
        The one that names the groups: group or duplicate_group.
    """
    codes, names = pd.factorize(table[column], sort=True)
    edges = (codes[pairs["first"]], codes[pairs["second"]])
    graph = coo_array((np.ones(len(pairs)), edges), shape=(len(names), len(names)))
    _, component = connected_components(graph, directed=False)
    # The first former group of each component gives it its name; names are sorted.
    first = np.unique(component, return_index=True)[1]
    return table.assign(**{column: names[first[component]][codes]})


def label_conflicts(table: pd.DataFrame) -> pd.DataFrame:
    """Return the images of groups whose known skin types differ, sorted by group."""
    types = table.groupby("group")["fitzpatrick"].transform("nunique")
    return table[types > 1].sort_values(["group", "image_id"], ignore_index=True)
