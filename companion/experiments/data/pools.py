"""Images to draw from: a decoded real data set, or synthetic skin made on the spot."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from companion.paths import decoded_folder
from slugkit.data.prepare import open_prepared
from slugkit.data.synthesis.synthetic import generate

# Each pool of synthetic images has a generator seed of its own. They do not follow the run's
# seed: like a real data set, the pool is fixed, and each run draws from it.
SKIN_POOL, EXTERNAL_POOL, OBJECT_POOL = 0, 1, 2
# Light skin, as in the dermoscopy images for which generated ones stand.
OBJECT_SKIN_TYPE = 2


@dataclass(frozen=True)
class Pool:
    """An index table, and a function from some of its rows to their images (n, H, W, 3)."""

    table: pd.DataFrame
    load: Callable[[pd.DataFrame], np.ndarray]
    left_out: dict[str, int] = field(default_factory=dict)  # reason: images of a real data set


def real_pool(name: str, size: int) -> Pool:
    """Return the data set `name` as the step `decode` left it, near-duplicates in one group."""
    decoded = open_prepared(decoded_folder(name, size))
    return Pool(decoded.table.drop(columns=["row", "sha256"]), decoded.load, decoded.left_out)


def pool_facts(pool: Pool) -> dict:
    """Return what a run's record says about a pool: its size, digest and what was left out."""
    rows = pool.table.sort_values("image_id").to_csv(index=False)
    return {
        "images": len(pool.table),
        "groups": int(pool.table["group"].nunique()),
        "left_out": pool.left_out,
        "table_sha256": hashlib.sha256(rows.encode()).hexdigest(),
    }


def synthetic_pool(counts: dict[int, int], size: int, seed: int) -> Pool:
    """Return generated skin, with `counts[t]` images of Fitzpatrick type t."""
    types = np.repeat(list(counts), list(counts.values()))
    images = generate(types, size, seed)
    identifiers = [f"synthetic{seed}-{i:05d}" for i in range(len(types))]
    table = pd.DataFrame(
        {
            "image_id": identifiers,
            "source": "synthetic",
            "file": "",
            "fitzpatrick": pd.array(types, dtype="Int64"),
            "group": identifiers,
            "object": "none",
            "may_show": True,
        }
    )
    position = pd.Series(range(len(types)), index=identifiers)
    return Pool(table, lambda rows: images[position[rows["image_id"]].to_numpy()])


def one_of_each_tone(tests: pd.DataFrame) -> pd.DataFrame:
    """Return the first light and the first dark test image."""
    return pd.concat([tests[tests["set"] == tone].head(1) for tone in ("light", "dark")])


def at_size(rows: pd.DataFrame, size: int) -> np.ndarray:
    """Return the images of some rows of one pool, shape (n, size, size, 3), at any size.

    A real data set must have been decoded at that size.
    """
    source = str(rows["source"].iloc[0])
    if source != "synthetic":
        return real_pool(source, size).load(rows)
    seeds, numbers = zip(
        *(identifier.removeprefix("synthetic").split("-") for identifier in rows["image_id"]),
        strict=True,
    )
    (seed,) = set(seeds)
    return generate(rows["fitzpatrick"].to_numpy(int), size, int(seed), np.array(numbers, int))
