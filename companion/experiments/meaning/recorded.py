"""What SLUG tells in a recorded run, of whichever of its tables are kept."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import pandas as pd

from companion.config import Profile
from companion.experiments.baselines import records
from companion.experiments.meaning import analysis
from companion.experiments.meaning.explained import explained
from companion.run import Run
from companion.statistics.interval import Interval
from companion.statistics.summaries import GROUPS

# Of the rivals, those with which a decision is shown.
DECIDING = ("slug", "divergence", "edge_energy", "deep_ensemble")
# Rows of the table of what SLUG adds that the first page quotes.
GIVEN_ALL = "the same given all four"
EXPLAINED = "variance of the log error that the four explain"
MORE = "the difference"


@dataclass(frozen=True)
class Told:
    """What a page shows as tables and quotes as numbers, computed once; see `analysis`."""

    epistemic: pd.DataFrame
    added: pd.DataFrame
    sufficiency: pd.Series
    flags: pd.DataFrame


def told(run: Run) -> Told:
    """Return what SLUG tells in a run that has baselines."""
    scores, wide = run.table("scores"), records.wide_with_groups(run)
    return Told(
        analysis.epistemic(scores, run.profile),
        analysis.added(wide, run.profile, analysis.shown_in(wide)),
        analysis.sufficiency(scores, run.profile),
        analysis.flags(scores, run.profile),
    )


def tables(run: Run, known: Told) -> dict[str, Callable[[Run], pd.DataFrame]]:
    """Return the titled tables that a run has the data for."""
    count = len(run.profile.seeds_of(["comparisons"]))
    on = f"on the {count} runs that have baselines"
    found: dict[str, Callable[[Run], pd.DataFrame]] = {
        "Does it change with the training set?": lambda one: analysis.show(known.epistemic),
        f"What does it add, {on}?": lambda one: analysis.show(known.added),
        "Does a given score mean the same error in both groups?": lambda one: analysis.show(
            known.sufficiency.to_frame("log (dark / light)")
        ),
        "How many are flagged": lambda one: analysis.show(known.flags),
        f"What can be decided by it, {on}?": lambda one: analysis.kept_at_risk(
            records.wide_with_groups(one), one.profile, DECIDING
        ),
    }
    if run.has_table("layers"):
        found["Where does it come from? If from |mu|², decoder/stem would have a large share."] = (
            lambda one: analysis.layer_table(one.table("layers"), one.table("scores"), one.profile)
        )
    if run.has_table("calibration"):
        found["Calibration of pixels"] = lambda one: analysis.calibration(
            one.table("calibration"), one.profile
        )
    return found


def of_networks(added: pd.DataFrame) -> dict[str, Callable[[Run], pd.DataFrame]]:
    """Return the titled tables of a run that has only the networks of data set B.

    `added` is what `analysis.added` returned for it.
    """
    return {
        "What does it add to what costs nothing?": lambda one: analysis.show(added),
        "Does a given score mean the same error in both groups?": _sufficiency,
        "How many are flagged": lambda one: analysis.show(
            analysis.flags(one.table("scores"), one.profile)
        ),
    }


def of_slug(run: Run) -> dict[str, Interval]:
    """Return what SLUG adds to what costs nothing, under the networks of data set B."""
    free = analysis.free_scores(run.table("scores"))
    correlation = partial(analysis.correlation, free, run.profile, "slug")
    shares = explained(free, run.profile, "slug")
    return {
        "SLUG with edge energy": correlation("edge_energy"),
        "SLUG with the error": correlation(analysis.ERROR),
        GIVEN_ALL: correlation(analysis.ERROR, *analysis.GIVEN.values()),
        EXPLAINED: shares["without"],
        "and SLUG": shares["with"],
        MORE: shares["added"],
    }


def by_size(found: Iterable[tuple[Profile, dict[str, Interval]]]) -> pd.DataFrame:
    """Return what `of_slug` found for runs whose images, or latent variables, differ in size."""
    return pd.DataFrame(
        {
            profile.name: {
                "pixels a side": f"{profile.data.image_size}",
                "numbers in the latent variable": f"{profile.architecture().num_latents:,}",
                "runs": f"{len(profile.seeds)}",
                **{title: str(interval) for title, interval in intervals.items()},
            }
            for profile, intervals in found
        }
    )


def _sufficiency(run: Run) -> pd.DataFrame:
    found = analysis.sufficiency(run.table("scores"), run.profile)
    return analysis.show(found.to_frame("log (dark / light)"))


def numbers(known: Told) -> dict[str, float]:
    """Return the numbers that the first page quotes."""
    found = {"recorded_excess_given_slug": math.expm1(known.sufficiency["gap given SLUG"].value)}
    for name, table, row, column in (
        ("slug_given_all", known.added, "slug", "given all four"),
        ("deep_ensemble_given_all", known.added, "deep_ensemble", "given all four"),
        ("within_images", known.epistemic, "SLUG", "within images"),
        ("within_images_and_sets", known.epistemic, "SLUG", "within images and training sets"),
        *((f"flagged_{group}", known.flags, group, "flagged by SLUG") for group in GROUPS),
        *((f"large_error_{group}", known.flags, group, "large error") for group in GROUPS),
    ):
        found |= with_ends(f"recorded_{name}", table[column][row])
    return found


def with_ends(name: str, interval: object) -> dict[str, float]:
    """Return the numbers of an interval by the names that prose quotes them by.

    >>> with_ends("gap", Interval(0.2, 0.1, 0.3))
    {'gap': 0.2, 'gap_low': 0.1, 'gap_high': 0.3}
    """
    assert isinstance(interval, Interval)  # a table's cells may hold anything
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
