"""The ablation and the versions of the score in numbers."""

from collections.abc import Sequence

import pandas as pd

from companion.config import Profile
from companion.experiments.ablation.measure import BASE, spread
from companion.experiments.ablation.versions import HALVES, TRIVIAL, VERSIONS, choose
from companion.run import Run
from companion.statistics.interval import Interval
from companion.statistics.metrics import over_seeds, partial_spearman, spearman
from companion.statistics.summaries import over_images


def variant_table(ablation: pd.DataFrame) -> pd.DataFrame:
    """Return each variant's numbers, with the spread that `experiments.ablation.spread` gives."""
    rows = []
    for (factor, level), group in ablation.groupby(["factor", "level"], sort=False):
        row = {"factor": factor, "level": level}
        for column, title in (
            ("spearman", "rank correlation with the error"),
            ("auroc_slug", "pixel AUROC, SLUG"),
            ("auroc_error", "pixel AUROC, squared error"),
        ):
            row[title] = str(spread(group, column))
        row["mean squared error"] = f"{group['mse'].mean():.5f}"
        row["parameters"] = f"{group['num_parameters'].iloc[0]:,}"
        rows.append(row)
    return pd.DataFrame(rows).set_index(["factor", "level"])


def not_measured(run: Run) -> pd.DataFrame:
    """Return what was tried and gave no number, with the reason; empty if there is nothing."""
    rows = [
        (record["seed"], reason)
        for rule in ("ablation", "ablation_score_versions")
        for record in run.records(rule)
        for reason in record.get("not_measured", [])
    ]
    return pd.DataFrame(rows, columns=["seed", "tried, and what happened"]).set_index("seed")


def largest_effect(ablation: pd.DataFrame, column: str) -> tuple[str, float]:
    """Return the variant that moves a column's mean furthest from the base, and by how much."""
    means = ablation.groupby(["factor", "level"], sort=False)[column].mean()
    moved = (means - means[BASE]).drop(BASE)
    factor, level = moved.abs().idxmax()
    return f"{factor}: {level}", float(moved[factor, level])


def versions_of(table: pd.DataFrame) -> list[str]:
    """Return the versions of the score that a table holds."""
    return [name for name in VERSIONS if name in table]


def added(
    table: pd.DataFrame, profile: Profile, version: str, given: Sequence[str], half: str
) -> Interval:
    """Return the partial rank correlation of a version with the error, given some baselines.

    It is the mean over seeds on one half of the images, with a bootstrap over images.
    """
    rows = table[table["half"] == half]
    columns = (version, "mse", *given, "seed")
    return over_images(rows, profile, over_seeds(partial_spearman), *columns)


def version_table(table: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Return what each version adds to the best trivial baseline, and to all, on both halves."""
    chosen, best = choose(table, versions_of(table))
    rows = []
    for name in versions_of(table):
        row = {"version": VERSIONS[name] + (" (chosen)" if name == chosen else "")}
        for title, given in ((_title(best), (best,)), ("all four", tuple(TRIVIAL))):
            for half in HALVES:
                found = added(table, profile, name, given, half)
                row[f"given {title}, {half}"] = f"{found}"
        row["alone, all images"] = str(_alone(table, profile, name))
        rows.append(row)
    return pd.DataFrame(rows).set_index("version")


def baseline_table(table: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Return the rank correlation of each trivial baseline with the error."""
    rows = {_title(name): str(_alone(table, profile, name)) for name in TRIVIAL}
    return pd.DataFrame({"rank correlation with the error": rows}).rename_axis("baseline")


def _alone(table: pd.DataFrame, profile: Profile, column: str) -> Interval:
    return over_images(table, profile, over_seeds(spearman), column, "mse", "seed")


def _title(name: str) -> str:
    return "KL divergence" if name == "kl" else name.replace("_", " ")


def summary(
    ablation: pd.DataFrame, versions: pd.DataFrame, profile: Profile
) -> dict[str, float | str]:
    """Return the named numbers: the furthest variants, and the chosen version on both halves."""
    chosen, given = choose(versions, versions_of(versions))
    numbers: dict[str, float | str] = {"chosen": VERSIONS[chosen], "given": _title(given)}
    for half in HALVES:
        found = added(versions, profile, chosen, (given,), half)
        numbers |= {half: found.value, f"{half}_low": found.low, f"{half}_high": found.high}
    found = added(versions, profile, chosen, tuple(TRIVIAL), "confirm")
    numbers |= {"given_all": found.value, "given_all_low": found.low, "given_all_high": found.high}
    for column in ("spearman", "auroc_slug"):
        name, moved = largest_effect(ablation, column)
        numbers |= {f"furthest_{column}": name, f"furthest_{column}_by": moved}
    return numbers


def recorded_variants(run: Run) -> pd.DataFrame:
    """Return `variant_table` of a recorded run."""
    return variant_table(run.table("ablation"))


def recorded_baselines(run: Run) -> pd.DataFrame:
    """Return `baseline_table` of a recorded run."""
    return baseline_table(run.table("score_versions"), run.profile)


def recorded_versions(run: Run) -> pd.DataFrame:
    """Return `version_table` of a recorded run."""
    return version_table(run.table("score_versions"), run.profile)
