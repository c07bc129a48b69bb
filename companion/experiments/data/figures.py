"""The images of each set, as far as they may be shown."""

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from companion.figures.pictures import picture
from companion.figures.style import WIDTH
from companion.pipeline.store import Images


def contact_sheet(table: pd.DataFrame, images: Images, columns: int = 10) -> Figure:
    """Draw the first images of each test set, one row per set (per kind of foreign object)."""
    labels = np.where(table["set"].isin(["object", "tagged"]), table["object"], table["set"])
    rows = list(dict.fromkeys(zip(table["set"], labels, strict=True)))
    figure, axes = plt.subplots(
        len(rows), columns, figsize=(WIDTH, len(rows) * WIDTH / columns), squeeze=False
    )
    for row, (test_set, label) in zip(axes, rows, strict=True):
        chosen = table[(table["set"] == test_set) & (labels == label)].head(columns)
        for axis in row:
            axis.axis("off")
        shown = zip(row, images[chosen["image_id"]], chosen.iterrows(), strict=False)
        for axis, content, (_, image) in shown:
            axis.axis("on")
            picture(axis, content, may_show=image["may_show"], source=image["source"])
        row[0].set_ylabel(f"{label}\n({test_set})" if label != test_set else label, fontsize=7)
    return figure
