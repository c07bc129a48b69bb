"""Draw one seed's training and test images and write them as arrays with index tables."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from companion.config import DATASETS, External, Objects, Skin
from companion.experiments.data.pools import (
    EXTERNAL_POOL,
    OBJECT_POOL,
    OBJECT_SKIN_TYPE,
    SKIN_POOL,
    Pool,
    pool_facts,
    real_pool,
    synthetic_pool,
)
from slugkit.data.colour_rule import coloured_patch
from slugkit.data.matched_splits import make_matched_splits
from slugkit.data.splits import Splits, check_no_leak, make_splits
from slugkit.data.synthesis.foreign_objects import overlay_each
from slugkit.errors import InputError

if TYPE_CHECKING:
    from companion.pipeline.jobs import Job

# Columns that some of the sets do not have.
UNKNOWN = ("pair", "origin", "duplicate_group")
# Of the draw of test sets that are the same in all runs; no run has this seed.
FIXED_TEST = 1_000_000


def run(job: "Job", facts: dict[str, Any]) -> None:
    """Write the training images of A, B and C, the test images, their tables and the masks.

    The test table's column `set` is "light", "dark", "external", "clean" (images without foreign
    objects), "object" (the same images, with an object drawn over each; `pair` names the clean
    one) or "tagged" (images with real objects).
    """
    data, size, seed = job.profile.data, job.profile.data.image_size, job.seed
    skin = _skin_pool(data.skin, size)
    splits = _splits(skin.table, data.skin, seed)
    check_no_leak(splits)
    for dataset in DATASETS:
        job.save_array(f"data/train_{dataset}.npy", skin.load(splits.train[dataset]))
    train = pd.concat([table.assign(dataset=name) for name, table in splits.train.items()])
    job.save_table("data/train.csv", train)

    parts = [(name, table, skin.load(table), None) for name, table in splits.test.items()]
    if data.external is not None:
        parts.append(_external(data.external, size, seed))
    parts += _objects(data.objects, size, seed)
    test = pd.concat([table.assign(set=name) for name, table, _, _ in parts])
    images = np.concatenate([images for _, _, images, _ in parts])
    masks = np.concatenate(
        [np.zeros(images.shape[:3], bool) if m is None else m for *_, images, m in parts]
    )
    job.save_array("data/test.npy", images)
    job.save_array("data/masks.npy", masks)
    job.save_table("data/test.csv", test.fillna(dict.fromkeys(UNKNOWN, "")))
    facts["skin_pool"] = pool_facts(skin)
    facts["counts"] = {
        **{f"train {name}": len(table) for name, table in splits.train.items()},
        **{f"test {name}": int(count) for name, count in test["set"].value_counts().items()},
    }


def _splits(table: pd.DataFrame, skin: Skin, seed: int) -> Splits:
    draw = make_splits if skin.match is None else make_matched_splits
    return draw(
        table,
        light=list(skin.light),
        dark=list(skin.dark),
        train=skin.train,
        test=skin.test,
        seed=seed,
        test_seed=FIXED_TEST if skin.fixed_test else None,
    )


def _skin_pool(skin: Skin, size: int) -> Pool:
    if skin.source != "synthetic":
        return real_pool(skin.source, size)
    # Room for a test set and a training set of one tone, and a quarter more, so that runs differ.
    per_tone = skin.test + skin.train + skin.train // 4
    counts = {
        skin_type: per_tone // len(types) + 1
        for types in (skin.light, skin.dark)
        for skin_type in types
    }
    return synthetic_pool(counts, size, SKIN_POOL)


def _external(external: External, size: int, seed: int):
    if external.source == "synthetic":
        pool = synthetic_pool(dict.fromkeys(external.types, external.per_type), size, EXTERNAL_POOL)
    else:
        pool = real_pool(external.source, size)
    rows = pd.concat(
        [
            _sample(pool.table[pool.table["fitzpatrick"] == t], external.per_type, seed, f"FST {t}")
            for t in external.types
        ]
    )
    return "external", rows, pool.load(rows), None


def _objects(objects: Objects, size: int, seed: int) -> list:
    if objects.source == "synthetic":
        pool = synthetic_pool({OBJECT_SKIN_TYPE: objects.per_kind}, size, OBJECT_POOL)
    else:
        pool = real_pool(objects.source, size)
    table = pool.table
    clean = _sample(table[table["object"] == "none"], objects.per_kind, seed, "clean images")
    clean_images = pool.load(clean)
    kinds = [kind for kind in objects.kinds for _ in range(objects.per_kind)]
    tiled = np.tile(clean_images, (len(objects.kinds), 1, 1, 1))
    with_objects, masks = overlay_each(tiled, kinds, seed=seed)
    pasted = pd.concat([clean] * len(objects.kinds), ignore_index=True)
    pasted = pasted.assign(
        pair=pasted["image_id"],
        image_id=[f"{i}+{kind}" for i, kind in zip(pasted["image_id"], kinds, strict=True)],
        object=kinds,
    )
    parts = [("clean", clean, clean_images, None), ("object", pasted, with_objects, masks)]
    if objects.tagged:
        rows = pd.concat(
            [
                _sample(table[table["object"] == kind], count, seed, f"images tagged {kind}")
                for kind, count in objects.tagged.items()
            ]
        )
        images = pool.load(rows)
        masks = np.array(
            [
                coloured_patch(image) if kind == "patch" else np.zeros(image.shape[:2], bool)
                for image, kind in zip(images, rows["object"], strict=True)
            ]
        )
        parts.append(("tagged", rows, images, masks))
    return parts


def _sample(table: pd.DataFrame, count: int, seed: int, what: str) -> pd.DataFrame:
    if len(table) < count:
        raise InputError(
            f"{count} {what} are asked for, {len(table)} are there: lower the number in the profile"
        )
    return table.sample(count, random_state=seed).assign(pair="")
