"""Decode one real data set at the profile's size, once for all seeds."""

from slugkit.companion.paths import data_root, decoded_folder
from slugkit.companion.profile import Profile
from slugkit.data import sources
from slugkit.data.duplicates import published_lists
from slugkit.data.prepare import prepare
from slugkit.progress import Progress


def run(profile: Profile, source: str) -> None:
    """Write the arrays, the index and the near-duplicates of a data set; see `data.prepare`."""
    root, size = data_root(), profile.data.image_size
    prepare(
        sources.index(source, root),
        root,
        decoded_folder(source, size),
        size,
        published=published_lists(source, root),
        progress=Progress(f"decode {source} at {size} pixels: image"),
    )
