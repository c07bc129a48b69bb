"""The paper's four figures."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from companion.config import DATASETS, MIXED, Profile
from companion.experiments.scores.analysis import cells
from companion.figures.pictures import picture, scaled
from companion.figures.style import COLOURS, INK, LABELS, MARKERS
from companion.run import Run
from companion.statistics.metrics import rejection_curve
from companion.statistics.summaries import GROUPS, SKIN_TYPE_NUMERALS, over_images, select

# What is shown of an image, and what the figures call it.
PICTURES = {"image": "image", "reconstruction": "reconstruction"}
AT_A_GLANCE = {**PICTURES, "squared_error": "squared error", "slug": "SLUG"}
OBJECT_ROWS = {**AT_A_GLANCE, "squared_error_rgb": "squared error, RGB", "slug_rgb": "SLUG, RGB"}
# More marks in one panel than this are drawn smaller and fainter.
MANY_MARKS = 600
# What stands on the axis of each column of the score table.
QUANTITIES = {
    "mse": "mean squared error\n(intensity², per pixel)",
    "encoder_std": "encoder standard deviation\n(latent units)",
    "slug": "SLUG score\n(intensity², per image)",
}


def group_means(axis: Axes, scores: pd.DataFrame, profile: Profile, column: str) -> None:
    """Draw the mean of a column for each training set and test group, with intervals.

    With several seeds, the mean of each is a faint mark beside.
    """
    table = cells(scores, profile, column)
    for offset, group in zip((-0.12, 0.12), GROUPS, strict=True):
        rows = table[table["group"] == group]
        x = np.arange(len(DATASETS)) + offset
        axis.errorbar(
            x,
            rows["value"],
            [rows["value"] - rows["low"], rows["high"] - rows["value"]],
            fmt=MARKERS[group],
            color=COLOURS[group],
            capsize=3,
            label=f"tested on {LABELS[group]}",
        )
        if len(profile.seeds) > 1:
            chosen = scores[scores["set"] == group]
            means = chosen.groupby(["dataset", "seed"])[column].mean().reset_index()
            places = means["dataset"].map(DATASETS.index) + 2 * offset
            axis.plot(
                places, means[column], linestyle="", marker=".", color=COLOURS[group], alpha=0.6
            )
    axis.set_xticks(range(len(DATASETS)), DATASETS)
    axis.set_xlim(-0.5, len(DATASETS) - 0.5)
    axis.set_xlabel("trained on")
    axis.set_ylabel(QUANTITIES[column])
    axis.set_ylim(bottom=0)


def group_panels(run: Run, *columns: str) -> Figure:
    """Draw the means of some columns of a run's scores, one panel each."""
    figure, axes = plt.subplots(1, len(columns), figsize=(max(7.2, 3 * len(columns)), 3.2))
    for axis, column in zip(axes, columns, strict=True):
        group_means(axis, run.table("scores"), run.profile, column)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


def skin_type_panels(run: Run) -> Figure:
    """Draw error and SLUG of a run by skin type, on its external images, or else its own."""
    sets = GROUPS if run.profile.data.external is None else ("external",)
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.2))
    for axis, column in zip(axes, ("mse", "slug"), strict=True):
        by_skin_type(axis, run.table("scores"), run.profile, column, sets)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


def error_panels(figure: Figure | SubFigure, run: Run) -> None:
    """Draw SLUG against the error, and the rejection of uncertain images, for data set B."""
    left, right = figure.subplots(1, 2)
    test = select(run.table("scores"), MIXED, *GROUPS)
    score_against_error(left, test)
    rejection(right, test)


def by_skin_type(
    axis: Axes, scores: pd.DataFrame, profile: Profile, column: str, sets: Sequence[str]
) -> None:
    """Draw the mean of a column for each skin type, one line per training set, with intervals.

    With several seeds, the mean of each is a faint mark beside.
    """
    for offset, dataset in zip((-0.08, 0, 0.08), DATASETS, strict=True):
        rows = select(scores, dataset, *sets)
        types = sorted(rows["fitzpatrick"].dropna().unique())
        found = [
            over_images(rows[rows["fitzpatrick"] == t], profile, np.mean, column) for t in types
        ]
        value = np.array([interval.value for interval in found])
        low = np.array([interval.low for interval in found])
        high = np.array([interval.high for interval in found])
        axis.errorbar(
            np.array(types, float) + offset,
            value,
            [value - low, high - value],
            fmt=MARKERS[dataset] + "-",
            color=COLOURS[dataset],
            capsize=3,
            label=f"trained on {LABELS[dataset]}",
        )
        if len(profile.seeds) > 1:
            means = rows.groupby(["fitzpatrick", "seed"])[column].mean().reset_index()
            axis.plot(
                means["fitzpatrick"] + offset + 0.05,
                means[column],
                linestyle="",
                marker=".",
                color=COLOURS[dataset],
                alpha=0.6,
            )
    axis.set_xticks(types, [SKIN_TYPE_NUMERALS[int(t) - 1] for t in types])
    axis.set_xlabel("Fitzpatrick skin type")
    axis.set_ylabel(QUANTITIES[column])
    axis.set_ylim(bottom=0)


def score_against_error(axis: Axes, scores: pd.DataFrame) -> None:
    """Draw each image's SLUG score against its mean squared error, on logarithmic axes."""
    # The marks of many runs lie over each other, and one group would cover the other.
    size, alpha = (3.5, 0.7) if len(scores) <= MANY_MARKS else (2.5, 0.25)
    for group in GROUPS:
        rows = scores[scores["set"] == group]
        axis.plot(
            rows["mse"],
            rows["slug"],
            linestyle="",
            marker=MARKERS[group],
            markersize=size,
            markeredgewidth=0,
            alpha=alpha,
            color=COLOURS[group],
            label=LABELS[group],
        )
    axis.set(xscale="log", yscale="log", xlabel=QUANTITIES["mse"], ylabel=QUANTITIES["slug"])
    for side in (axis.xaxis, axis.yaxis):
        # One or two decades are covered, so plain numbers at 1 and 3 read best.
        side.set_major_locator(LogLocator(subs=(1.0, 3.0)))
        side.set_major_formatter(FormatStrFormatter("%g"))
        side.set_minor_formatter(NullFormatter())
    for handle in axis.legend(loc="upper left").get_lines():
        handle.set(alpha=0.7, markersize=3.5)


def rejection(axis: Axes, scores: pd.DataFrame) -> None:
    """Draw the mean error of what is left when the most uncertain images are removed.

    With several seeds, SLUG's curve of each is a faint line beside that of all.
    """
    fractions = np.linspace(0, 0.9, 46)
    error = scores["mse"].to_numpy()
    orders = {
        "oracle": scores["mse"],
        "slug": scores["slug"],
        "encoder_std": scores["encoder_std"],
    }
    styles = {"oracle": ":", "slug": "-", "encoder_std": "--"}
    for name, uncertainty in orders.items():
        curve = rejection_curve(error, uncertainty.to_numpy(), fractions)
        axis.plot(100 * fractions, curve, styles[name], color=COLOURS[name], label=LABELS[name])
    if len(runs := scores.groupby("seed")) > 1:
        for _, run in runs:
            curve = rejection_curve(run["mse"].to_numpy(), run["slug"].to_numpy(), fractions)
            axis.plot(100 * fractions, curve, color=COLOURS["slug"], linewidth=0.8, alpha=0.4)
    axis.axhline(error.mean(), color=INK, linewidth=1, alpha=0.6, label=LABELS["random"])
    axis.set(xlabel="images removed (%)", ylabel="mean squared error of the rest\n(intensity²)")
    axis.set_ylim(bottom=0)
    # The curves leave no corner free on every run.
    axis.legend(loc="lower center", bbox_to_anchor=(0.45, 1.0), ncols=2)


def object_rows(axes: np.ndarray, run_maps: dict[str, np.ndarray], table: pd.DataFrame) -> None:
    """Fill a grid, one column per image of `table`: image, reconstruction and maps.

    Parameters
    ----------
    axes
        (6, m).
    run_maps
        From `object_maps.load_maps`.
    table
        m rows of the score table, in the order of the maps.
    """
    for row, (name, title) in zip(axes, OBJECT_ROWS.items(), strict=True):
        for axis, content, (_, image) in zip(row, run_maps[name], table.iterrows(), strict=True):
            content = content if name in PICTURES else scaled(content)
            picture(axis, content, may_show=image["may_show"], source=image["source"])
            if name == "image":
                axis.set_title(image["object"], fontsize=8, fontweight="normal", loc="center")
        row[0].set_ylabel(title, fontsize=8)


def at_a_glance(axes: np.ndarray, run_maps: dict[str, np.ndarray], table: pd.DataFrame) -> None:
    """Fill a grid (m, 4), one row per image of `table`, as `object_rows` does its columns."""
    for axis, title in zip(axes[0], AT_A_GLANCE.values(), strict=True):
        axis.set_title(title)
    for place, (row, (_, image)) in enumerate(zip(axes, table.iterrows(), strict=True)):
        for axis, name in zip(row, AT_A_GLANCE, strict=True):
            content = run_maps[name][place]
            content = content if name in PICTURES else scaled(content)
            picture(axis, content, may_show=image["may_show"], source=image["source"])
        drawn = image["set"] == "object"
        row[0].set_ylabel(f"a {image['object']}" if drawn else f"{image['set']} skin")
        row[-1].set_xlabel(f"score {image['slug']:,.0f}")


def map_grid(
    axes: np.ndarray,
    maps: np.ndarray,
    image: pd.Series,
    ranks: Sequence[int],
    samples: Sequence[int],
) -> None:
    """Fill a grid with the maps (ranks, samples, H, W) of one image, a row of the score table."""
    for row, line, k in zip(axes, maps, ranks, strict=True):
        for axis, map_ in zip(row, line, strict=True):
            picture(axis, scaled(map_), may_show=image["may_show"], source=image["source"])
        row[0].set_ylabel(f"k = {k}")
    for axis, count in zip(axes[0], samples, strict=True):
        axis.set_title(f"S = {count}")


def lowest_and_highest(
    images: np.ndarray, reconstructions: np.ndarray, variances: np.ndarray, chosen: Sequence[int]
) -> Figure:
    """Draw generated images, one row each: image, reconstruction, pixel standard deviation."""
    figure, axes = plt.subplots(len(chosen), 3, figsize=(4.8, 1.7 * len(chosen)), squeeze=False)
    standard_deviations = np.sqrt(np.asarray(variances).sum(axis=-1))
    top = max(float(standard_deviations[i].max()) for i in chosen)
    for row, i in zip(axes, chosen, strict=True):
        for axis, content in zip(row, (images[i], reconstructions[i]), strict=False):
            picture(axis, np.clip(content, 0, 1), may_show=True, source="synthetic")
        picture(row[2], standard_deviations[i], may_show=True, source="synthetic", vmin=0, vmax=top)
    for axis, title in zip(axes[0], ("image", "reconstruction", "standard deviation"), strict=True):
        axis.set_title(title)
    return figure
