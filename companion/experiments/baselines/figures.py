"""The figure of the baselines."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from companion.experiments.baselines.analysis import BASELINES, ORACLE, SLUG, at, skin_scores
from companion.figures.style import COLOURS, INK
from companion.statistics.metrics import rejection_curve

KINDS = {
    "SLUG": (COLOURS["slug"], "D"),
    "named in the paper, or a variant": (COLOURS["B"], "o"),
    "trivial": (COLOURS["A"], "s"),
    "the squared error itself": (COLOURS["mse"], "^"),
}


def kind(name: str) -> str:
    """Return which of `KINDS` a baseline is."""
    slug, named, trivial, error = KINDS
    if name in (SLUG, ORACLE):
        return slug if name == SLUG else error
    return trivial if BASELINES[name].kind == "trivial" else named


def dots(
    axis: Axes, found: pd.DataFrame, seeds: pd.DataFrame, quantity: str, reference: float
) -> None:
    """Draw a quantity of each baseline, the largest on top, with interval and seed marks.

    Parameters
    ----------
    found
        From `comparisons.error_prediction` or `object_detection`.
    seeds
        From `comparisons.by_seed`; with one seed there is nothing to mark.
    quantity
        A quantity of `found` and a column of `seeds`.
    reference
        Where a thin line marks chance.
    """
    rows = found[found["quantity"] == quantity].sort_values("value")
    for place, name in enumerate(rows["baseline"]):
        colour, marker = KINDS[kind(name)]
        interval = at(found, name, quantity)
        axis.errorbar(
            interval.value,
            place,
            xerr=[[interval.value - interval.low], [interval.high - interval.value]],
            marker=marker,
            color=colour,
            capsize=2,
        )
        single = seeds[seeds["baseline"] == name]
        if len(single) > 1:
            axis.plot(
                single[quantity],
                np.full(len(single), place + 0.28),
                linestyle="",
                marker="|",
                markersize=4,
                color=colour,
            )
    axis.axvline(reference, color=INK, linewidth=1, linestyle=":")
    axis.set_yticks(
        range(len(rows)), [BASELINES[name].title for name in rows["baseline"]], fontsize=8
    )
    axis.set_ylim(-0.6, len(rows) - 0.4)
    axis.grid(axis="x")


def legend_handles(axis: Axes) -> list:
    """Return one handle for each kind of baseline."""
    return [
        axis.plot([], [], linestyle="", marker=marker, color=colour, label=label)[0]
        for label, (colour, marker) in KINDS.items()
    ]


def rejection(axis: Axes, table: pd.DataFrame, names: list[str]) -> None:
    """Draw the error of what is left after removing images, over that of all, mean over seeds.

    By each named baseline, by the error itself (oracle) and at random.
    """
    fractions = np.linspace(0, 0.9, 46)
    scores = skin_scores(table)
    styles = dict(zip(names, ("-", "--", "-.", (0, (1, 1))), strict=False))
    for name in [*names, ORACLE]:
        curves = []
        for _, one in scores.groupby("seed"):
            error = one[ORACLE].to_numpy()
            curves.append(rejection_curve(error, one[name], fractions) / error.mean())
        oracle = name == ORACLE
        axis.plot(
            100 * fractions,
            np.mean(curves, axis=0),
            linestyle=":" if oracle else styles[name],
            color=INK if oracle else KINDS[kind(name)][0],
            label="oracle" if oracle else BASELINES[name].title,
        )
    axis.axhline(1, color=INK, linewidth=1, alpha=0.6, label="random")
    axis.set(xlabel="images removed (%)", ylabel="mean squared error of the rest\nover that of all")
    axis.set_ylim(bottom=0)
