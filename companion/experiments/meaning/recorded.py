"""What SLUG tells in a recorded run, of whichever of its tables are kept."""

from collections.abc import Callable

import pandas as pd

from companion.experiments.baselines import records
from companion.experiments.meaning import analysis
from companion.run import Run
from companion.statistics.interval import Interval

# Of the rivals, those with which a decision is shown.
DECIDING = ("slug", "divergence", "edge_energy", "deep_ensemble")


def tables(run: Run, known: pd.DataFrame) -> dict[str, Callable[[Run], pd.DataFrame]]:
    """Return the titled tables that a run has the data for; `known` is what `added` returns."""
    found: dict[str, Callable[[Run], pd.DataFrame]] = {
        "Does it change with the training set?": lambda one: analysis.epistemic(
            one.table("scores"), one.profile
        ),
        "What does it add?": lambda one: analysis.show(known),
        "How many are flagged": lambda one: analysis.flags(one.table("scores"), one.profile),
        "What can be decided by it?": lambda one: analysis.kept_at_risk(
            records.wide_with_groups(one), one.profile, DECIDING
        ),
    }
    if run.has_table("layers"):
        found["Where does it come from?"] = lambda one: analysis.layer_table(
            one.table("layers"), one.table("scores"), one.profile
        )
    if run.has_table("calibration"):
        found["Calibration of pixels"] = lambda one: analysis.calibration(
            one.table("calibration"), one.profile
        )
    return found


def added(run: Run) -> pd.DataFrame:
    """Return `analysis.added` of a run's baselines."""
    wide = records.wide_with_groups(run)
    return analysis.added(wide, run.profile, analysis.shown_in(wide))


def numbers(known: pd.DataFrame) -> dict[str, float]:
    """Return the numbers that the first page quotes, from what `added` returns."""
    found: dict[str, float] = {}
    for name in ("slug", "deep_ensemble"):
        interval = known["given all four"][name]
        assert isinstance(interval, Interval)
        found[f"recorded_{name}_given_all"] = interval.value
        found[f"recorded_{name}_given_all_low"] = interval.low
        found[f"recorded_{name}_given_all_high"] = interval.high
    return found
