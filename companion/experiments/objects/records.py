"""The tables on objects as they are kept in results/: fewer digits, and if too large fewer rows."""

import pandas as pd

from companion.experiments.objects.measure import plainest

DIGITS = 5
LARGEST_TABLE = 200_000  # bytes; of larger ones the usual size and contrast are kept


def shorten(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of the benchmark with fewer digits, and if it is too large fewer rows.

    >>> shorten(pd.DataFrame({"auroc": [0.123456789]}))["auroc"].tolist()
    [0.12346]
    """
    numbers = table.select_dtypes("float64").columns
    rounded = table.assign(
        **{name: table[name].map(lambda v: float(f"{v:.{DIGITS}g}")) for name in numbers}
    )
    if "contrast" in rounded and len(rounded.to_csv(index=False)) > LARGEST_TABLE:
        return plainest(rounded)
    return rounded
