"""What the comparators are worth: how they predict the error, and what SLUG adds to them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from slugkit.baselines.registry import COMPARATORS, ORACLE
from slugkit.companion.metrics import Interval, ause, partial_spearman, spearman
from slugkit.companion.profile import Profile
from slugkit.companion.summaries import GROUPS, order_of_cells, over_images

SLUG = "slug"
TRIVIAL = tuple(name for name, one in COMPARATORS.items() if one.trivial)
RIVALS = tuple(name for name in COMPARATORS if name not in (SLUG, ORACLE))

Statistic = Callable[..., float]


def skin_scores(table: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of the skin images: one row per (seed, image), one column per comparator.

    The column of the squared error is what the others are to predict.
    """
    rows = table[table["set"].isin(GROUPS)]
    index = ["seed", "image_id", "set"]
    wide = rows.pivot_table(index=index, columns="comparator", values="score", aggfunc="first")
    return wide.reset_index()


def over_seeds(
    scores: pd.DataFrame, profile: Profile, statistic: Statistic, *columns: str
) -> Interval:
    """Return the mean over seeds of a statistic within each, with an interval over images.

    Scores of two networks have two scales, so that no statistic may mix them.
    """

    def within(*arrays: np.ndarray) -> float:
        *values, seeds = arrays
        parts = [[one[seeds == seed] for one in values] for seed in np.unique(seeds)]
        return float(np.mean([statistic(*part) for part in parts]))

    return over_images(scores, profile, within, *columns, "seed")


def pearson(first: np.ndarray, second: np.ndarray) -> float:
    """Return Pearson's correlation, NaN if one side is constant.

    >>> round(pearson(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0])), 6)
    1.0
    """
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return np.nan
    return float(np.corrcoef(first, second)[0, 1])


def above_slug(score: np.ndarray, slug: np.ndarray, error: np.ndarray) -> float:
    """Return by how much a score's rank correlation with the error exceeds SLUG's."""
    return spearman(score, error) - spearman(slug, error)


def error_prediction(table: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Return, for SLUG and each rival, how it predicts the error of skin images.

    One row per (comparator, quantity): value, low, high. The quantities are "spearman" and
    "pearson" with the mean squared error, "light" and "dark" (Spearman within that group), "ause"
    and "above slug" (the difference in Spearman on the same images).
    """
    scores = skin_scores(table)
    rows = []
    for name in (SLUG, *RIVALS):
        found = {
            "spearman": over_seeds(scores, profile, spearman, name, ORACLE),
            "pearson": over_seeds(scores, profile, pearson, name, ORACLE),
            "ause": over_seeds(scores, profile, ause, ORACLE, name),
            "above slug": over_seeds(scores, profile, above_slug, name, SLUG, ORACLE),
        }
        for group in GROUPS:
            within = scores[scores["set"] == group]
            found[group] = over_seeds(within, profile, spearman, name, ORACLE)
        rows += _rows(name, found)
    return pd.DataFrame(rows)


def object_detection(table: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Return how well each map finds drawn objects, mean over images.

    Rows as in `error_prediction`.
    The quantities are "auroc" and "average precision" of the pixels.
    """
    rows = []
    for name in COMPARATORS:
        images = table[(table["comparator"] == name) & table["auroc"].notna()]
        if images.empty:
            continue
        found = {
            "auroc": over_images(images, profile, np.mean, "auroc"),
            "average precision": over_images(images, profile, np.mean, "average_precision"),
        }
        rows += _rows(name, found)
    return pd.DataFrame(rows)


def by_seed(table: pd.DataFrame) -> pd.DataFrame:
    """Return Spearman with the error and mean pixel AUROC, one row per (comparator, seed)."""
    scores = skin_scores(table)
    rows = []
    for (name, seed), images in table.groupby(["comparator", "seed"], sort=False):
        one = scores[scores["seed"] == seed]
        row = {"comparator": name, "seed": seed, "auroc": images["auroc"].mean()}
        rows.append({**row, "spearman": spearman(one[name], one[ORACLE])})
    return pd.DataFrame(rows)


def partial_correlations(table: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Return what SLUG and each trivial comparator tell of the error beyond each other.

    One row per (comparator, quantity): value, low, high. "slug given it" is the rank correlation of
    SLUG with the error after the comparator has been removed from both; "it given slug" the
    reverse.
    """
    scores = skin_scores(table)
    rows = []
    for name in TRIVIAL:
        found = {
            "slug given it": over_seeds(scores, profile, partial_spearman, SLUG, ORACLE, name),
            "it given slug": over_seeds(scores, profile, partial_spearman, name, ORACLE, SLUG),
        }
        rows += _rows(name, found)
    return pd.DataFrame(rows)


def best(found: pd.DataFrame, quantity: str, names: tuple[str, ...]) -> str:
    """Return which of some comparators has the largest value of a quantity."""
    rows = found[(found["quantity"] == quantity) & found["comparator"].isin(names)]
    return str(rows.loc[rows["value"].idxmax(), "comparator"])


def at(found: pd.DataFrame, name: str, quantity: str) -> Interval:
    """Return one interval of a table of this module."""
    rows = found[(found["comparator"] == name) & (found["quantity"] == quantity)]
    value, low, high = rows[["value", "low", "high"]].to_numpy(float)[0]
    return Interval(value, low, high)


def show(*tables: pd.DataFrame) -> pd.DataFrame:
    """Return one row per comparator with a column "value (low to high)" per quantity."""
    found = pd.concat(tables)
    intervals = [
        f"{row.value:.2f} ({row.low:.2f} to {row.high:.2f})"
        for row in found.itertuples(index=False)
    ]
    order = [name for name in COMPARATORS if (found["comparator"] == name).any()]
    wide = found.assign(shown=intervals).pivot_table(
        index="comparator", columns="quantity", values="shown", aggfunc="first"
    )
    wide = wide.loc[order, list(dict.fromkeys(found["quantity"]))].fillna("no map")
    return wide.rename(index=titles()).rename_axis(index=None, columns=None)


def cost_table(costs: pd.DataFrame, seconds: dict[str, list[float]]) -> pd.DataFrame:
    """Return what each comparator takes; `seconds` are wall times, one per seed."""
    shown = pd.DataFrame(
        {
            "networks trained": costs["trainings"],
            "passes over the training images": costs["training_passes"].map("{:.3g}".format),
            "Jacobian products per image": costs["products"],
            "forward passes per image": costs["forward_passes"],
            "memory (MB)": (costs["memory_bytes"] / 1e6).map("{:.3g}".format),
            "seconds, without trainings": [
                f"{np.mean(seconds[name]):.2g}" for name in costs["comparator"]
            ],
        }
    )
    shown.index = pd.Index([titles()[name] for name in costs["comparator"]])
    return shown


def titles() -> dict[str, str]:
    """Return what people call each comparator."""
    return {name: one.title for name, one in COMPARATORS.items()}


def cells(scores: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Return how each score that depends on the training set orders the (set, group) means.

    It is the rank correlation with the mean error over the six cells; see `order_of_cells`.
    """
    columns = {SLUG: "slug", "encoder_deviation": "encoder_std", "divergence": "kl"}
    rows = []
    for name, column in columns.items():
        found = {"order of the six cells": order_of_cells(scores, profile, column)}
        rows += _rows(name, found)
    return pd.DataFrame(rows)


def budget(profile: Profile) -> str:
    """Return in words, as Markdown, what each comparator was given and how it was tuned."""
    settings = profile.experiments.comparisons
    assert settings is not None
    training = profile.training
    return (
        f"Every network is trained on the same images for {training.epochs} epochs with Adam at "
        f"{training.learning_rate:g}; none is tuned further. The ensemble has {settings.members} "
        f"members, the first being the network of the other pages. All methods that draw "
        f"anything draw {settings.num_samples} times per image: passes with dropout (rate "
        f"{settings.dropout:g}), samples of the weights, Jacobian products. SLUG and the last "
        f"layer take {profile.curvature.rank} eigenpairs from at most "
        f"{profile.curvature.max_products} products with G; SLU takes {settings.sketch_steps} "
        f"steps on {settings.sketch_images} of the images with a sketch of "
        f"{settings.sketch_share:.0%} of p. The Laplacian autoencoder's diagonal comes from "
        f"{settings.curvature_samples} backward passes over the training images, and its prior "
        f"precision is the smallest power of ten with which the error on a batch of training "
        f"images at most doubles. The chain of the Bayesian VAE takes {settings.mcmc_burn_in} "
        f"steps and then one sample every {settings.mcmc_thinning}, with a prior precision of "
        f"{settings.mcmc_prior_precision:g} and a step of {settings.mcmc_step:g} in units of the "
        f"inverse stiffness: far too few steps to leave the neighbourhood of the trained weights, "
        f"so that its spread tells the shape of the posterior there and not its size."
    )


@dataclass(frozen=True)
class Findings:
    """All that is measured on one table of comparisons."""

    prediction: pd.DataFrame  # from `error_prediction`
    partial: pd.DataFrame  # from `partial_correlations`
    detection: pd.DataFrame  # from `object_detection`
    seeds: pd.DataFrame  # from `by_seed`

    @property
    def best_trivial(self) -> str:
        """The trivial comparator that predicts the error best."""
        return best(self.prediction, "spearman", TRIVIAL)

    @property
    def best_named(self) -> str:
        """The best of those that are neither SLUG nor trivial."""
        names = tuple(name for name in RIVALS if name not in TRIVIAL)
        return best(self.prediction, "spearman", names)

    def against_slug(self) -> tuple[list[str], list[str]]:
        """Return who predicts the error better than SLUG, and who worse, by more than chance."""
        above = self.prediction[self.prediction["quantity"] == "above slug"]
        above = above[above["comparator"] != SLUG]
        better, worse = above["low"] > 0, above["high"] < 0
        return list(above.loc[better, "comparator"]), list(above.loc[worse, "comparator"])

    def best_map(self) -> tuple[str, float]:
        """Return whose map finds drawn objects best, and its mean pixel AUROC."""
        rows = self.detection[self.detection["quantity"] == "auroc"]
        row = rows.loc[rows["value"].idxmax()]
        return str(row["comparator"]), float(row["value"])

    def numbers(self, prefix: str = "") -> dict[str, float | int | str]:
        """Return the numbers that other pages quote."""
        trivial, named = self.best_trivial, self.best_named
        better, worse = self.against_slug()
        best_map, auroc = self.best_map()
        found: dict[str, float | int | str] = {
            "best_trivial": titles()[trivial],
            "best_named": titles()[named],
            "best_map": titles()[best_map],
            "auroc_best": auroc,
            "auroc_slug": at(self.detection, SLUG, "auroc").value,
            "num_rivals": len(RIVALS),
            "num_better": len(better),
            "num_worse": len(worse),
        }
        intervals = {
            "spearman_slug": at(self.prediction, SLUG, "spearman"),
            "spearman_trivial": at(self.prediction, trivial, "spearman"),
            "spearman_named": at(self.prediction, named, "spearman"),
            "ause_slug": at(self.prediction, SLUG, "ause"),
            "ause_trivial": at(self.prediction, trivial, "ause"),
            "slug_given_trivial": at(self.partial, trivial, "slug given it"),
            "trivial_given_slug": at(self.partial, trivial, "it given slug"),
        }
        for name, interval in intervals.items():
            found |= {name: interval.value, f"{name}_low": interval.low}
            found[f"{name}_high"] = interval.high
        return {prefix + name: value for name, value in found.items()}

    def reading(self) -> str:
        """Return in words, as Markdown, what the tables say."""
        trivial, (better, worse) = self.best_trivial, self.against_slug()
        given, reverse = (at(self.partial, trivial, q) for q in ("slug given it", "it given slug"))
        slug, rival = (at(self.prediction, name, "spearman") for name in (SLUG, trivial))
        best_map, auroc = self.best_map()
        own = at(self.detection, SLUG, "auroc")
        return "\n".join(
            [
                f"- **Ranking images by their error.** SLUG's rank correlation with the error is "
                f"{_say(slug)}. Of {len(RIVALS)} others, better by more than chance: "
                f"{_list(better)}. Worse: {_list(worse)}. The best trivial comparator is "
                f"{titles()[trivial]}, {_say(rival)}.",
                f"- **What SLUG adds.** With {titles()[trivial]} known, SLUG's rank correlation "
                f"with the error is {_say(given)}: {_adds(given)}. The other way round, "
                f"{titles()[trivial]} with SLUG known, it is {_say(reverse)}: {_adds(reverse)}.",
                f"- **Finding foreign objects.** SLUG's mean pixel AUROC is {_say(own)}; the "
                f"highest is that of {titles()[best_map]}, {auroc:.2f}.",
            ]
        )


def measure(table: pd.DataFrame, profile: Profile) -> Findings:
    """Measure everything on a table of comparisons; see `steps.comparisons` for its columns."""
    return Findings(
        error_prediction(table, profile),
        partial_correlations(table, profile),
        object_detection(table, profile),
        by_seed(table),
    )


def _say(interval: Interval) -> str:
    return f"{interval.value:.2f} ({interval.low:.2f} to {interval.high:.2f})"


def _adds(interval: Interval) -> str:
    if interval.low > 0:
        return "it adds something"
    return "it points the other way" if interval.high < 0 else "no gain beyond chance"


def _list(names: list[str]) -> str:
    return "; ".join(titles()[name] for name in names) or "none"


def _rows(name: str, found: dict[str, Interval]) -> list[dict]:
    return [
        {"comparator": name, "quantity": quantity, **vars(interval)}
        for quantity, interval in found.items()
    ]
