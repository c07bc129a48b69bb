"""Splits in which light and dark images come from the same places, in the same numbers."""

import numpy as np
import pandas as pd

from slugkit.data.splits import Splits, check_no_leak, check_request, draw, draw_groups, tones
from slugkit.errors import InputError

TONES = ("light", "dark")
# Of each tone, how many images of each origin there are.
_Cells = dict[tuple[str, str], pd.DataFrame]


def make_matched_splits(
    table: pd.DataFrame,
    *,
    light: list[int],
    dark: list[int],
    train: int,
    test: int,
    seed: int,
    test_seed: int | None = None,
) -> Splits:
    """Draw training and test sets as `make_splits` does, matched by origin.

    Where the origin of an image goes with its skin type, light against dark is partly one origin
    against another. Here all training sets have the same number of images of each origin, and so
    have the two test sets; B has half of each of these numbers in either tone. The numbers are in
    proportion to what the scarcer tone has of each origin, which allows the largest sets.

    A test set has one image of each duplicate group at most, and its groups are held out whole. A
    group of several origins or of both tones is in no test set. A duplicate group that is labelled
    both light and dark is left out.

    Parameters
    ----------
    table
        Index table with the columns image_id, fitzpatrick, group, origin and duplicate_group.
    light, dark, train, test, seed, test_seed
        See `make_splits`; `train` must be even.

    Raises
    ------
    InputError
        The table has no origins, `train` is odd, or there are too few images; the message says
        how many there are and which size would fit.
    """
    check_request(light, dark, train, test)
    if train % 2:
        raise InputError(f"train={train}: matched by origin, B needs an even number of images")
    if "origin" not in table or table["origin"].isin(["", None]).any():
        raise InputError(
            "the data set does not say where each image comes from (column origin): "
            "leave out data.skin.match"
        )
    cells, candidates = _cells(table.sort_values("image_id", ignore_index=True), light, dark)
    rng = np.random.default_rng(seed)
    test_rng = rng if test_seed is None else np.random.default_rng(test_seed)

    singles = {
        cell: draw(rows, len(rows), test_rng).drop_duplicates("duplicate_group")
        for cell, rows in candidates.items()
    }
    numbers = _shares(_scarcer(singles), test, f"test={test}", step=1)
    parts = {}
    held_out: set[str] = set()
    for (tone, origin), rows in singles.items():
        groups = draw_groups(rows["group"], numbers[origin], test_rng)
        chosen = rows[rows["group"].isin(groups)]
        parts[tone, origin] = draw(chosen, numbers[origin], test_rng)
        held_out.update(groups)
    rest = {cell: rows[~rows["group"].isin(held_out)] for cell, rows in cells.items()}
    numbers = _shares(_scarcer(rest), train, f"train={train} with test={test}", step=2)
    halves = {origin: number // 2 for origin, number in numbers.items()}

    def drawn(tone: str, numbers: dict[str, int]) -> pd.DataFrame:
        return pd.concat([draw(rest[tone, origin], numbers[origin], rng) for origin in numbers])

    mixture = pd.concat([drawn("light", halves), drawn("dark", halves)])
    splits = Splits(
        train={
            "A": draw(drawn("light", numbers), train, rng),
            "B": draw(mixture, train, rng),
            "C": draw(drawn("dark", numbers), train, rng),
        },
        test={
            tone: draw(pd.concat([parts[tone, origin] for origin in numbers]), test, test_rng)
            for tone in TONES
        },
    )
    check_no_leak(splits)
    return splits


def _cells(table: pd.DataFrame, light: list[int], dark: list[int]) -> tuple[_Cells, _Cells]:
    """Return the images of each tone and origin, and those that may be in a test set."""
    tone = tones(table, light, dark)
    contradicted = tone.groupby(table["duplicate_group"]).transform("nunique") > 1
    table = table[tone.notna() & ~contradicted]
    tone = tone[table.index]
    cell = tone + " " + table["origin"]
    alone = cell.groupby(table["group"]).transform("nunique") == 1
    pairs = [(name, origin) for origin in sorted(set(table["origin"])) for name in TONES]
    here = {pair: (tone == pair[0]) & (table["origin"] == pair[1]) for pair in pairs}
    return (
        {pair: table[rows] for pair, rows in here.items()},
        {pair: table[rows & alone] for pair, rows in here.items()},
    )


def _scarcer(cells: _Cells) -> dict[str, int]:
    """Return, for each origin, how many images the tone has that has fewer."""
    origins = dict.fromkeys(origin for _, origin in cells)
    return {origin: min(len(cells[tone, origin]) for tone in TONES) for origin in origins}


def _shares(there: dict[str, int], total: int, what: str, *, step: int) -> dict[str, int]:
    """Divide a total in proportion to what is there, in multiples of `step`."""
    units = {origin: number // step for origin, number in there.items()}
    most, wanted = sum(units.values()), total // step
    if wanted > most:
        numbers = ", ".join(f"{number} of {origin}" for origin, number in there.items())
        raise InputError(
            f"too few images for {what}, matched by origin: the scarcer tone has "
            f"{numbers or 'none'}; the largest size that fits is {most * step}"
        )
    shares = {origin: wanted * number // most for origin, number in units.items()}
    # What rounding left goes to the largest remainders.
    by_remainder = sorted(units, key=lambda origin: -(wanted * units[origin] % most))
    for origin in by_remainder[: wanted - sum(shares.values())]:
        shares[origin] += 1
    return {origin: share * step for origin, share in shares.items()}
