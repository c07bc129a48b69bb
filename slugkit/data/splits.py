"""Training sets A, B, C and the light and dark test sets, with no group on both sides."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from slugkit.errors import InputError


@dataclass(frozen=True)
class Splits:
    """Index tables of one run; see `make_splits`."""

    train: dict[str, pd.DataFrame]  # "A" light, "B" half and half, "C" dark
    test: dict[str, pd.DataFrame]  # "light", "dark"


def make_splits(
    table: pd.DataFrame,
    *,
    light: list[int],
    dark: list[int],
    train: int,
    test: int,
    seed: int,
    test_seed: int | None = None,
) -> Splits:
    """Draw the three training sets and the two test sets of one run.

    A holds `train` light images, B half of each, C `train` dark ones; the two test sets hold
    `test` images each. Whole groups go to a test set, so no patient or duplicate group is
    on both sides. A, B and C are drawn independently from what the test sets leave; a group whose
    images are labelled both light and dark is left out.

    Parameters
    ----------
    table
        Index table with the columns image_id, fitzpatrick and group.
    light, dark
        Fitzpatrick skin types counted as light and as dark.
    train, test
        Images per training set and per test set.
    seed
        Of the draw: the same table (in any row order) and seed give the same splits.
    test_seed
        Of the draw of the test sets alone, where they are to be the same under every seed.

    Raises
    ------
    InputError
        Too few images of one tone; the message says how many are needed, available and missing,
        and which sizes would fit. Or the two lists of skin types overlap.

    Notes
    -----
    López-Pérez et al. (2025), section 4, with 1,668 and 512 images of FST 1-2 against 5-6.
    Fitzpatrick17k has 2,168 images of FST 5-6, 12 fewer than these sizes need.
    """
    check_request(light, dark, train, test)
    table = table.sort_values("image_id", ignore_index=True)
    tone = tones(table, light, dark)
    mixed = tone.groupby(table["group"]).transform("nunique") > 1
    pools = {name: table[(tone == name) & ~mixed] for name in ("light", "dark")}
    types = {"light": light, "dark": dark}
    for name, pool in pools.items():
        _check_size(pool, f"{name} (FST {', '.join(map(str, types[name]))})", train, test)

    rng = np.random.default_rng(seed)
    test_rng = rng if test_seed is None else np.random.default_rng(test_seed)
    tests: dict[str, pd.DataFrame] = {}
    rest: dict[str, pd.DataFrame] = {}
    for name, pool in pools.items():
        held_out = pool["group"].isin(draw_groups(pool["group"], test, test_rng))
        tests[name] = draw(pool[held_out], test, test_rng)
        rest[name] = pool[~held_out]
    half = train // 2
    mixture = pd.concat([draw(rest["light"], train - half, rng), draw(rest["dark"], half, rng)])
    splits = Splits(
        train={
            "A": draw(rest["light"], train, rng),
            "B": draw(mixture, train, rng),
            "C": draw(rest["dark"], train, rng),
        },
        test=tests,
    )
    check_no_leak(splits)
    return splits


def check_no_leak(splits: Splits) -> None:
    """Check that no group has images both in a training set and in a test set.

    Raises
    ------
    InputError
        A group straddles; the message names the first few.
    """
    groups = {
        side: set(pd.concat([sheet["group"] for sheet in tables.values()]))
        for side, tables in (("train", splits.train), ("test", splits.test))
    }
    shared = sorted(groups["train"] & groups["test"])
    if shared:
        raise InputError(
            f"{len(shared)} groups are both in training and test sets, such as "
            f"{', '.join(shared[:3])}; draw the splits with make_splits"
        )


def check_request(light: list[int], dark: list[int], train: int, test: int) -> None:
    """Check what is asked for: no skin type on both sides, and images in every set."""
    if set(light) & set(dark):
        raise InputError(f"skin types {sorted(set(light) & set(dark))} are both light and dark")
    if train < 2 or test < 1:
        raise InputError(f"train={train} and test={test}: give at least 2 and 1 images")


def tones(table: pd.DataFrame, light: list[int], dark: list[int]) -> pd.Series:
    """Return "light" or "dark" for each image, and nothing for other skin types."""
    return table["fitzpatrick"].map(dict.fromkeys(light, "light") | dict.fromkeys(dark, "dark"))


def draw(pool: pd.DataFrame, count: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw images at random."""
    return pool.iloc[rng.permutation(len(pool))[:count]].reset_index(drop=True)


def draw_groups(groups: pd.Series, count: int, rng: np.random.Generator) -> list[str]:
    """Draw groups at random that together hold `count` images, or as few more as is possible."""
    sizes = groups.value_counts().sort_index()
    sizes = sizes.iloc[rng.permutation(len(sizes))]
    sums = _reachable_sums(sizes.tolist(), len(groups))
    left = _smallest_sum(sums[-1], count)
    chosen = []
    for k in range(len(sizes) - 1, -1, -1):
        size = int(sizes.iloc[k])
        # Take the group if the groups before it can still make up what then remains.
        if size <= left and sums[k] >> (left - size) & 1:
            chosen.append(str(sizes.index[k]))
            left -= size
    return chosen


def _reachable_sums(sizes: Iterable[int], limit: int) -> list[int]:
    """Return, for each k, the sums that subsets of the first k sizes can have, as a bit set."""
    mask = (1 << (limit + 1)) - 1
    sums = [1]
    for size in sizes:
        sums.append((sums[-1] | sums[-1] << size) & mask)
    return sums


def _smallest_sum(sums: int, count: int) -> int:
    above = sums >> count
    return count + (above & -above).bit_length() - 1


def _check_size(pool: pd.DataFrame, name: str, train: int, test: int) -> None:
    available = len(pool)
    sizes = pool["group"].value_counts().tolist()
    sums = _reachable_sums(sizes, available)[-1]
    held_out = _smallest_sum(sums, test) if test <= available else test
    needed = train + held_out
    if needed <= available:
        return
    # Whole groups go to the test set, so the sizes that fit follow from the reachable sums.
    fits = []
    if held_out < available:
        fits.append(f"train={available - held_out} with test={test}")
    if train < available:
        largest = (sums & ((1 << (available - train + 1)) - 1)).bit_length() - 1
        if largest > 0:
            fits.append(f"test={largest} with train={train}")
    remedy = "; the largest sizes that fit: " + ", or ".join(fits) if fits else ""
    extra = f" ({held_out} to keep groups whole)" if held_out > test else ""
    raise InputError(
        f"too few {name} images: {needed} needed (train={train} and test={test}{extra}), "
        f"{available} available, {needed - available} short{remedy}"
    )
