"""The parts that the book's figures are put together from."""

from collections.abc import Iterator

import pandas as pd

from companion.config import DATASETS
from companion.figures.style import LABELS


def models(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame, str | None]]:
    """Yield each model's rows; only the first seed has a label, so that the legend is short."""
    for seed in sorted(table["seed"].unique()):
        for dataset in DATASETS:
            rows = table[(table["seed"] == seed) & (table["dataset"] == dataset)]
            first = seed == table["seed"].min()
            yield dataset, rows, f"trained on {LABELS[dataset]}" if first else None
