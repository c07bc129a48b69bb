"""Labels as people write them: what is clear is read, all else refused with its place."""

import re
from pathlib import Path

import pandas as pd

from slugkit.errors import InputError

ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6}
# What stands in a cell for "not labelled": -1 in Fitzpatrick17k.
UNLABELLED = {"", "-1", "na", "n/a", "nan", "none", "null", "unknown", "unlabelled", "<na>"}
_PREFIX = re.compile(r"^(fitzpatrick|fst|skin|type|phototype)[\s_:.-]*")


def skin_types(values: pd.Series, source: str | Path) -> pd.Series:
    """Return Fitzpatrick skin types as whole numbers, <NA> where there is no label.

    Read are 1 to 6, Roman numerals, and both after a word such as "FST" or "type".

    Parameters
    ----------
    values
        A column of a table, of any type; its name goes into the message.
    source
        The table that it comes from.

    Raises
    ------
    InputError
        A value is no single skin type; the message names its row, value and column.

    >>> skin_types(pd.Series(["III", "FST 4", "2.0", "unknown"]), "labels.csv").tolist()
    [3, 4, 2, <NA>]
    """
    texts = values.astype("str").fillna("")
    known = {text: _skin_type(text) for text in texts.unique()}
    wrong = {text for text, number in known.items() if number == 0}
    if wrong:
        row = int(texts.isin(wrong).to_numpy().argmax())
        raise InputError(
            f"{source}: row {row + 2} has {texts.iloc[row]!r} in column {values.name!r}, which is "
            "no single Fitzpatrick skin type: write 1 to 6 or I to VI, or leave the cell empty"
        )
    return texts.map(known).astype("Int64")


def _skin_type(text: str) -> int | None:
    """Return the skin type, None for no label, 0 for what cannot be read."""
    word = text.strip().lower()
    if word in UNLABELLED or word in ("-1.0",):
        return None
    while (shorter := _PREFIX.sub("", word)) != word:
        word = shorter
    if word in ROMAN:
        return ROMAN[word]
    return int(float(word)) if re.fullmatch(r"[1-6](\.0*)?", word) else 0


def unique_labels(images: pd.Series, labels: pd.Series, source: str | Path) -> dict[str, str]:
    """Return the label of each image.

    Raises
    ------
    InputError
        An image is listed twice with different labels; the message names it.
    """
    table = pd.DataFrame({"image": images.astype("str"), "label": labels}).drop_duplicates()
    twice = table["image"][table["image"].duplicated()]
    if len(twice):
        found = ", ".join(map(str, table["label"][table["image"] == twice.iloc[0]]))
        raise InputError(
            f"{source}: image {twice.iloc[0]!r} is listed {(table['image'] == twice.iloc[0]).sum()}"
            f" times, as {found}: keep one row"
        )
    return dict(zip(table["image"], table["label"], strict=True))
