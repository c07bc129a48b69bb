"""The claims that the score table decides, each as the paper means it.

Where an image is its own control, under another training set, runs are the unit (C1, C3, C5); where
images are compared with each other, runs and patients are.
"""

from functools import partial

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from companion.config import DATASETS, MIXED, Profile
from companion.run import Run
from companion.statistics.claims import OBJECTS, Check, Verdict, premise, verdicts
from companion.statistics.metrics import ause, partial_spearman, rejection_curve, spearman
from companion.statistics.runs import (
    cluster_check,
    double_difference,
    log_ratio,
    on_skin,
    over_clusters,
    per_run,
    run_check,
    within_images,
)
from companion.statistics.summaries import GROUPS, select

# What costs nothing and follows the error as well.
TRIVIAL = ("edge_energy", "kl", "nearest_in_pixels")
# No interval goes beyond what a number can be.
CORRELATIONS = DIFFERENCES = (-1, 1)
SHARES = (0, 1)
# Shares of the images that are removed, one after the other.
REMOVED = np.arange(0, 1, 0.05)


def representation(scores: pd.DataFrame, profile: Profile) -> list[Check]:
    """C1: test error follows the representation of skin tones in training."""
    values = per_run(on_skin(scores), lambda rows: double_difference(rows, "mse"))
    metric = "log (dark / light error) after A less that after C"
    return [run_check("C1", "double_difference", metric, values, profile)]


def encoder(scores: pd.DataFrame, profile: Profile) -> list[Check]:
    """C2: the encoder's standard deviation does not follow the error."""
    rows = on_skin(scores)
    mixed = select(rows, MIXED, *GROUPS)
    metric = "rank correlation of the encoder's standard deviation with the error"
    columns = ("encoder_std", "mse")
    checks = [
        cluster_check(
            "C2",
            "rank_correlation",
            metric,
            mixed,
            profile,
            spearman,
            *columns,
            limits=CORRELATIONS,
        )
    ]
    for dataset in DATASETS:
        metric = f"log (dark / light) of its means, trained on {dataset}"
        checks.append(
            _dark_over_light("C2", "group_means", metric, rows, profile, dataset, "encoder_std")
        )
    return checks


def follows_the_error(scores: pd.DataFrame, profile: Profile) -> list[Check]:
    """C3: SLUG follows the error across groups and training sets."""
    rows = on_skin(scores)
    within = per_run(rows, lambda one: within_images(one, "slug", "mse"))
    double = per_run(rows, lambda one: double_difference(one, "slug"))
    return [
        run_check(
            "C3",
            "within_images",
            "correlation of the changes of SLUG and error between training sets, within images",
            within,
            profile,
        ),
        run_check("C3", "double_difference", "double difference of C1, of SLUG", double, profile),
    ]


def dark_after_dark(scores: pd.DataFrame, profile: Profile) -> list[Check]:
    """C4: error and SLUG are higher for dark skin even when trained on dark skin only."""
    rows, checks = on_skin(scores), []
    for name, column, title in (("error", "mse", "error"), ("slug", "slug", "SLUG")):
        metric = f"log (dark / light {title}) after training on C"
        checks.append(_dark_over_light("C4", name, metric, rows, profile, "C", column))
    return checks


def worse_than_mixed(scores: pd.DataFrame, profile: Profile) -> list[Check]:
    """C5: training on dark skin only is worse for all groups than training on the balanced set."""
    checks = []
    for group in GROUPS:
        values = per_run(
            on_skin(scores),
            partial(log_ratio, column="mse", above=("C", group), below=("B", group)),
        )
        metric = f"log (C / B) of the error on {group} skin"
        checks.append(run_check("C5", group, metric, values, profile))
    return checks


def external_trend(scores: pd.DataFrame, profile: Profile) -> list[Check]:
    """C6: on external images the error rises with darker skin, and SLUG rises with it.

    The trend is Kendall's rank correlation with the skin type, whose test is that of Jonckheere and
    Terpstra.
    """
    checks = []
    for name, column, title in (("error", "mse", "error"), ("slug", "slug", "SLUG")):
        for dataset in DATASETS:
            rows = select(scores, dataset, "external")
            metric = f"rank correlation of skin type with {title}, trained on {dataset}"
            columns = ("fitzpatrick", column)
            checks.append(
                cluster_check(
                    "C6", name, metric, rows, profile, _kendall, *columns, limits=CORRELATIONS
                )
            )
    return checks


def adjusted_trend(scores: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Return the trend of C6 with and without the edge energy of the images taken out."""
    rows = {}
    for dataset in DATASETS:
        chosen = select(scores, dataset, "external")
        for column, title in (("mse", "error"), ("slug", "SLUG")):
            plain = per_run(chosen, partial(_trend, column=column))
            given = per_run(chosen, partial(_given_edges, column=column))
            rows[dataset, title] = {
                "trend": f"{plain.mean():.2f}",
                "given edge energy (Spearman)": f"{given.mean():.2f}",
                "runs in which it rises": f"{int((plain > 0).sum())} of {len(plain)}",
            }
    index = pd.MultiIndex.from_tuples(rows, names=["trained on", "of"])
    return pd.DataFrame(list(rows.values()), index)


def of_mixed_networks(
    scores: pd.DataFrame, maps: pd.DataFrame, profile: Profile
) -> tuple[dict[str, list[Check]], dict[str, Check]]:
    """C7 to C10, for which the networks of data set B are enough: their checks and premises."""
    missed, premises = error_misses_objects(maps, profile)
    checks = {
        "C7": strong_correlation(scores, profile),
        "C8": rejection(scores, profile),
        "C9": maps_find_objects(maps, profile),
        "C10": missed,
    }
    return checks, premises


def verdicts_of_networks(run: Run) -> dict[str, Verdict]:
    """Return the verdicts of a run that has only the networks of data set B."""
    checks, premises = of_mixed_networks(run.table("scores"), run.table("object_maps"), run.profile)
    return verdicts(checks, run.profile, premises)


def strong_correlation(scores: pd.DataFrame, profile: Profile) -> list[Check]:
    """C7: on data set B, SLUG correlates strongly with the error of an image."""
    rows = select(scores, MIXED, *GROUPS)
    return [
        cluster_check(
            "C7",
            "rank_correlation",
            "rank correlation of SLUG with the error",
            rows,
            profile,
            spearman,
            "slug",
            "mse",
            limits=CORRELATIONS,
        ),
        cluster_check(
            "C7",
            "given_trivial",
            "the same given edge energy, KL and nearest training image",
            rows,
            profile,
            partial_spearman,
            "slug",
            "mse",
            *TRIVIAL,
            limits=CORRELATIONS,
        ),
    ]


def rejection(scores: pd.DataFrame, profile: Profile) -> list[Check]:
    """C8: removing the most uncertain images improves the mean error consistently."""
    rows = select(scores, MIXED, *GROUPS)
    return [
        cluster_check(
            "C8",
            "ause",
            "area under the sparsification error curve",
            rows,
            profile,
            ause,
            "mse",
            "slug",
        ),
        cluster_check(
            "C8",
            "falling_steps",
            "share of rejection steps at which the error falls",
            rows,
            profile,
            falling_steps,
            "mse",
            "slug",
            limits=SHARES,
        ),
    ]


def falling_steps(error: np.ndarray, uncertainty: np.ndarray) -> float:
    """Return the share of rejection steps, each a twentieth of the images, that lower the error.

    >>> falling_steps(np.arange(100.0), np.arange(100.0))
    1.0
    """
    return float(np.mean(np.diff(rejection_curve(error, uncertainty, REMOVED)) < 0))


def _dark_over_light(
    claim: str,
    name: str,
    metric: str,
    rows: pd.DataFrame,
    profile: Profile,
    dataset: str,
    column: str,
) -> Check:
    chosen = select(rows, dataset, *GROUPS)
    chosen = chosen.assign(dark=chosen["set"] == "dark")
    return cluster_check(claim, name, metric, chosen, profile, _log_ratio_of_means, column, "dark")


def _log_ratio_of_means(values: np.ndarray, dark: np.ndarray) -> float:
    if dark.min() == dark.max():
        return np.nan
    return float(np.log(values[dark == 1].mean() / values[dark == 0].mean()))


def _trend(rows: pd.DataFrame, column: str) -> float:
    return _kendall(rows["fitzpatrick"].to_numpy(float), rows[column].to_numpy())


def _kendall(types: np.ndarray, values: np.ndarray) -> float:
    return float(kendalltau(np.asarray(types, float), values).statistic)


def maps_find_objects(maps: pd.DataFrame, profile: Profile) -> list[Check]:
    """C9: pixel maps highlight rulers, ink and patches."""
    checks = []
    for where, name in (("object", "auroc"), ("tagged", "tagged_auroc")):
        for kind in _kinds(maps, where):
            rows = maps[(maps["set"] == where) & (maps["object"] == kind)]
            slug = rows[rows["map"] == "slug"]
            what = f"{'drawn' if where == 'object' else 'real'} {kind}"
            metric = f"pixel AUROC of SLUG, {what}"
            checks.append(
                cluster_check("C9", name, metric, slug, profile, np.mean, "auroc", limits=SHARES)
            )
            gap = auroc_gap(rows, "edge_energy")
            metric = f"pixel AUROC of SLUG less that of the edge energy, {what}"
            checks.append(_gap_check("C9", "over_edges", metric, gap, profile))
    return checks


def error_misses_objects(
    maps: pd.DataFrame, profile: Profile
) -> tuple[list[Check], dict[str, Check]]:
    """C10: the squared error does not flag them, because the network reconstructs them well.

    The premise is of all kinds together: the squared error inside the objects over that outside.
    """
    drawn = maps[(maps["set"] == "object") & maps["object"].isin(OBJECTS)]
    checks = []
    for kind in _kinds(maps, "object"):
        gap = auroc_gap(drawn[drawn["object"] == kind], "squared_error")
        metric = f"pixel AUROC of SLUG less that of the squared error, {kind}"
        checks.append(_gap_check("C10", "over_error", metric, gap, profile))
    error = drawn[drawn["map"] == "squared_error"]
    if error.empty:
        return [], {}
    inside = over_clusters(error, profile, np.mean, "ratio")
    return checks, {"C10": premise("C10", inside, error["seed"].nunique())}


def _gap_check(claim: str, name: str, metric: str, gap: pd.DataFrame, profile: Profile) -> Check:
    return cluster_check(claim, name, metric, gap, profile, np.mean, "gap", limits=DIFFERENCES)


def auroc_gap(maps: pd.DataFrame, rival: str) -> pd.DataFrame:
    """Return, image by image, by how much the AUROC of SLUG exceeds that of another map."""
    wide = maps.pivot_table(
        index=["seed", "image_id", "group"], columns="map", values="auroc"
    ).reset_index()
    return wide.assign(gap=wide["slug"] - wide[rival])


def _kinds(maps: pd.DataFrame, where: str) -> list[str]:
    return [k for k in OBJECTS if ((maps["set"] == where) & (maps["object"] == k)).any()]


def _given_edges(rows: pd.DataFrame, column: str) -> float:
    return partial_spearman(rows["fitzpatrick"].astype(float), rows[column], rows["edge_energy"])
