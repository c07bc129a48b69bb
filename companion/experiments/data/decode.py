"""Decode one real data set at one size, once for all profiles and seeds."""

from companion.paths import data_root, decoded_folder
from slugkit.data import sources
from slugkit.data.duplicates import published_lists
from slugkit.data.prepare import prepare
from slugkit.progress import Progress


def run(source: str, size: int) -> None:
    """Write the arrays, the index and the near-duplicates of a data set; see `data.prepare`."""
    root = data_root()
    prepare(
        sources.index(source, root),
        root,
        decoded_folder(source, size),
        size,
        published=published_lists(source, root),
        progress=Progress(f"decode {source} at {size} pixels: image"),
    )
