"""How far the eigenpairs go."""

import pandas as pd

from companion.config import Profile
from companion.statistics.summaries import over_runs


def curvature_table(
    eigenpairs: pd.DataFrame, traces: pd.DataFrame, profile: Profile
) -> pd.DataFrame:
    """Return how far the leading eigenpairs go and what they cost, over the runs.

    Runs recorded before there were upper bounds of the eigenvalues do not say what was verified.
    """
    quantities = {
        "largest": ("eigenvalue", "max"),
        "smallest": ("eigenvalue", "min"),
        "worst_residual": ("relative_residual", "max"),
    }
    if "relative_gap" in eigenpairs:
        close = eigenpairs["relative_gap"] <= profile.curvature.tolerance
        eigenpairs = eigenpairs.assign(close=close.astype(float))
        quantities["share_verified"] = ("close", "min")
    table = eigenpairs.groupby(["dataset", "seed"]).agg(**quantities).reset_index()
    table = table.merge(traces, on=["dataset", "seed"])
    columns = [name for name in table.columns if name not in ("dataset", "seed")]
    return over_runs(table, profile, *columns)
