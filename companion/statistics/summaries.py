"""The few summaries of the score table that several notebooks and verdicts share."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from companion.config import Profile
from companion.statistics.interval import Interval
from companion.statistics.metrics import bootstrap
from slugkit.data.acquire.manifests import load_manifest

GROUPS = ("light", "dark")
SKIN_TYPE_NUMERALS = ("I", "II", "III", "IV", "V", "VI")

# Every bootstrap of the book starts here, so that the same table gives the same interval.
BOOTSTRAP_SEED = 0


def over_runs(table: pd.DataFrame, profile: Profile, *columns: str) -> pd.DataFrame:
    """Return mean, standard deviation and interval of columns over the runs, per training set.

    Parameters
    ----------
    table
        One row per (dataset, seed).
    columns
        Quantities of a whole run, such as its final loss.
    """
    rows = []
    for dataset, group in table.groupby("dataset"):
        for column in columns:
            values = group[column].to_numpy(float)
            interval = bootstrap(
                np.mean,
                values,
                resamples=profile.statistics.resamples,
                confidence=profile.statistics.confidence,
                seed=BOOTSTRAP_SEED,
            )
            several = len(values) > 1
            rows.append(
                {
                    "trained on": dataset,
                    "quantity": column.replace("_", " "),
                    "runs": len(values),
                    "mean": f"{interval.value:.4g}",
                    "standard deviation": f"{values.std(ddof=1):.2g}" if several else "–",
                    "interval": f"{interval.low:.4g} to {interval.high:.4g}" if several else "–",
                }
            )
    return pd.DataFrame(rows).set_index(["trained on", "quantity"])


def select(scores: pd.DataFrame, dataset: str, *sets: str) -> pd.DataFrame:
    """Return the rows of one training set and the named test sets."""
    return scores[(scores["dataset"] == dataset) & scores["set"].isin(sets)]


def over_rows(values: pd.Series, profile: Profile, statistic: Callable[..., float]) -> Interval:
    """Return a statistic of some values with its interval from a bootstrap over them."""
    return bootstrap(
        statistic,
        values.to_numpy(float),
        resamples=profile.statistics.resamples,
        confidence=profile.statistics.confidence,
        seed=BOOTSTRAP_SEED,
    )


def over_images(
    rows: pd.DataFrame, profile: Profile, statistic: Callable[..., float], *columns: str
) -> Interval:
    """Return a statistic of some columns with its interval from a bootstrap over images."""
    return bootstrap(
        statistic,
        *(rows[column].to_numpy(float) for column in columns),
        groups=rows["image_id"].to_numpy(str),
        resamples=profile.statistics.resamples,
        confidence=profile.statistics.confidence,
        seed=BOOTSTRAP_SEED,
    )


def skin_types(types: tuple[int, ...]) -> str:
    """Return skin types as people write them.

    >>> skin_types((1, 2)), skin_types((3, 4, 5, 6)), skin_types((5,))
    ('FST I–II', 'FST III–VI', 'FST V')
    """
    first, last = (SKIN_TYPE_NUMERALS[t - 1] for t in (min(types), max(types)))
    return f"FST {first}" if first == last else f"FST {first}–{last}"


def source_names(sources: list[str]) -> str:
    """Return data sets as people call them.

    >>> source_names(["synthetic"]), source_names(["pad_ufes_20", "isic2017"])
    ('synthetic skin', 'PAD-UFES-20 and ISIC Challenge 2017')
    """
    titles = ["synthetic skin" if s == "synthetic" else load_manifest(s).title for s in sources]
    return " and ".join([", ".join(titles[:-1]), titles[-1]] if len(titles) > 1 else titles)
