"""What the baselines are worth: how they predict the error, and what SLUG adds to them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from companion.config import Profile
from companion.experiments.scores.analysis import order_of_cells
from companion.statistics.inference import holm, p_value
from companion.statistics.interval import Interval
from companion.statistics.metrics import bootstrap_many, over_seeds, spearman
from companion.statistics.summaries import BOOTSTRAP_SEED, GROUPS, over_images
from slugkit.baselines.interface import baselines
from slugkit.baselines.trivial import SquaredError

Patients = Mapping[str, str]  # of each image, by its identifier

SLUG = "slug"
ORACLE = SquaredError.name
BASELINES = baselines()
TRIVIAL = tuple(name for name, one in BASELINES.items() if one.kind == "trivial")
SCORES = tuple(name for name in BASELINES if name != ORACLE)

# How a score predicts the error; the last two are of SLUG and of a trivial baseline alone.
GIVEN = ("slug given it", "it given slug")
QUANTITIES = ("spearman", "pearson", "ause", "above slug", *GROUPS, *GIVEN)


def skin_scores(table: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of the skin images: one row per (seed, image), one column per baseline.

    The column of the squared error is what the others are to predict.
    """
    rows = table[table["set"].isin(GROUPS)]
    index = ["seed", "image_id", "set"]
    wide = rows.pivot_table(index=index, columns="baseline", values="score", aggfunc="first")
    return wide.reset_index()


def compared(scores: pd.DataFrame) -> list[str]:
    """Return the baselines with a column; a run recorded before one came has none for it."""
    return [name for name in SCORES if name in scores]


def error_prediction(
    table: pd.DataFrame, profile: Profile, patients: Patients | None = None
) -> pd.DataFrame:
    """Return how each score predicts the error of skin images, the error itself left out.

    One row per (baseline, quantity): value, low, high. The quantities are "spearman" and
    "pearson" with the mean squared error; "ause"; "above slug", the difference in Spearman on the
    same images; "light" and "dark", Spearman within that group; and for trivial baselines "slug
    given it", the rank correlation of SLUG with the error after the baseline has been removed
    from both, and "it given slug", the reverse.

    Each is the mean over seeds of what holds within a seed, since the scores of two networks have
    two scales. The interval is a bootstrap over patients, drawn for all seeds at once, or over
    images where `patients` does not tell whose they are.
    """
    scores = skin_scores(table)
    names = compared(scores)
    slug = names.index(SLUG)

    def statistics(values: NDArray, errors: NDArray, groups: NDArray, seeds: NDArray) -> NDArray:
        of_seeds = [
            _quantities(values[rows], errors[rows], groups[rows], slug)
            for rows in (seeds == seed for seed in np.unique(seeds))
        ]
        return np.mean(of_seeds, axis=0).ravel()

    columns = [scores[ORACLE], scores["set"], scores["seed"]]
    found = _intervals(profile, statistics, scores["image_id"], patients, scores[names], *columns)
    rows = _rows(QUANTITIES, names, found)
    return rows[~rows["quantity"].isin(GIVEN) | rows["baseline"].isin(TRIVIAL)]


def object_detection(
    table: pd.DataFrame, profile: Profile, patients: Patients | None = None
) -> pd.DataFrame:
    """Return how well each map finds drawn objects, mean over images.

    Rows as in `error_prediction`; the quantities are "auroc" and "average precision" of the pixels.
    """
    quantities = ("auroc", "average precision")
    images = table[table["auroc"].notna()].assign(
        **{"average precision": lambda rows: rows["average_precision"]}
    )
    names = [name for name in BASELINES if (images["baseline"] == name).any()]
    wide = images.pivot_table(
        index=["seed", "image_id"], columns="baseline", values=list(quantities), aggfunc="first"
    )
    values = wide[[(quantity, name) for quantity in quantities for name in names]]

    def means(drawn: NDArray) -> NDArray:
        return drawn.mean(axis=0)

    identifiers = wide.reset_index()["image_id"]
    return _rows(quantities, names, _intervals(profile, means, identifiers, patients, values))


def by_seed(table: pd.DataFrame) -> pd.DataFrame:
    """Return Spearman with the error and mean pixel AUROC, one row per (baseline, seed)."""
    parts = []
    for seed, scores in skin_scores(table).groupby("seed"):
        maps = table[table["seed"] == seed].groupby("baseline")["auroc"].mean()
        names = compared(scores)
        correlations = _correlations(*_ranks(scores[names].to_numpy(), scores[ORACLE].to_numpy()))
        one = pd.DataFrame({"auroc": maps, "spearman": pd.Series(correlations, names)})
        parts.append(one.rename_axis("baseline").reset_index().assign(seed=seed))
    return pd.concat(parts, ignore_index=True)


def best(found: pd.DataFrame, quantity: str, names: tuple[str, ...]) -> str:
    """Return which of some baselines has the largest value of a quantity."""
    rows = found[(found["quantity"] == quantity) & found["baseline"].isin(names)]
    return str(rows.sort_values("value")["baseline"].iloc[-1])


def at(found: pd.DataFrame, name: str, quantity: str) -> Interval:
    """Return one interval of a table of this module."""
    rows = found[(found["baseline"] == name) & (found["quantity"] == quantity)]
    return Interval(*map(float, rows[["value", "low", "high"]].to_numpy()[0]))


def cells(scores: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Return how each score that depends on the training set orders the (set, group) means.

    It is the rank correlation with the mean error over the six cells; see `order_of_cells`.
    """
    columns = {SLUG: "slug", "encoder_standard_deviation": "encoder_std", "divergence": "kl"}
    found = [order_of_cells(scores, profile, column) for column in columns.values()]
    return _rows(["order of the six cells"], list(columns), found)


@dataclass(frozen=True)
class Findings:
    """All that is measured on one table of comparisons."""

    prediction: pd.DataFrame  # from `error_prediction`, all but the partial correlations
    partial: pd.DataFrame  # and these
    detection: pd.DataFrame  # from `object_detection`
    seeds: pd.DataFrame  # from `by_seed`
    confidence: float  # of the intervals

    @property
    def best_trivial(self) -> str:
        """The trivial baseline that predicts the error best."""
        return best(self.prediction, "spearman", TRIVIAL)

    @property
    def best_named(self) -> str:
        """The best of those that are neither SLUG nor trivial."""
        names = tuple(name for name in SCORES if name not in (SLUG, *TRIVIAL))
        return best(self.prediction, "spearman", names)

    @property
    def num_rivals(self) -> int:
        """How many others SLUG is compared with."""
        return self.prediction["baseline"].nunique() - 1

    def against_slug(self) -> tuple[list[str], list[str]]:
        """Return who predicts the error better than SLUG, and who worse, by more than chance.

        Over all of them, the chance that any is named falsely is that of one interval (Holm).
        """
        above = self.prediction[self.prediction["quantity"] == "above slug"]
        above = above[above["baseline"] != SLUG]
        intervals = [Interval(*row) for row in above[["value", "low", "high"]].to_numpy(float)]
        adjusted = holm([p_value(interval, self.confidence) for interval in intervals])
        clear = adjusted < 1 - self.confidence
        better, worse = clear & (above["value"] > 0), clear & (above["value"] < 0)
        return list(above.loc[better, "baseline"]), list(above.loc[worse, "baseline"])

    def best_map(self) -> tuple[str, float]:
        """Return whose map finds drawn objects best, and its mean pixel AUROC."""
        rows = self.detection[self.detection["quantity"] == "auroc"]
        row = rows.sort_values("value").iloc[-1]
        return str(row["baseline"]), float(row["value"])

    def numbers(self, prefix: str = "") -> dict[str, float | int | str]:
        """Return the numbers that other pages quote."""
        trivial, named = self.best_trivial, self.best_named
        better, worse = self.against_slug()
        best_map, auroc = self.best_map()
        found: dict[str, float | int | str] = {
            "best_trivial": BASELINES[trivial].title,
            "best_named": BASELINES[named].title,
            "best_map": BASELINES[best_map].title,
            "auroc_best": auroc,
            "auroc_slug": at(self.detection, SLUG, "auroc").value,
            "num_rivals": self.num_rivals,
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


def measure(table: pd.DataFrame, profile: Profile, patients: Patients | None = None) -> Findings:
    """Measure everything on a table of comparisons; see the step for its columns.

    `patients` has the patient of each image; that of an image with an object is the clean one's.
    """
    found = error_prediction(table, profile, patients)
    given = found["quantity"].isin(GIVEN)
    return Findings(
        found[~given],
        found[given],
        object_detection(table, profile, patients),
        by_seed(table),
        profile.statistics.confidence,
    )


def own_prediction(table: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Return how scores follow the error of what their own method predicts.

    A mean over members or samples is another prediction than the network's. One row for each
    baseline that has one: the rank correlation with its own error, and with that of the network.
    Empty for runs recorded without.
    """
    rows = table[table["set"].isin(GROUPS)]
    if "own_error" not in rows:
        return pd.DataFrame()
    index = ["seed", "image_id"]
    network = rows[rows["baseline"] == ORACLE].set_index(index)["score"]
    found = {}
    for name, one in rows[rows["own_error"].notna()].groupby("baseline", sort=False):
        one = one.assign(error=network.loc[pd.MultiIndex.from_frame(one[index])].to_numpy())
        ranks = partial(over_images, one, profile, over_seeds(spearman), "score")
        found[name] = {
            "with its own error": ranks("own_error", "seed"),
            "with the network's error": ranks("error", "seed"),
        }
    return pd.DataFrame.from_dict(found, orient="index")


def _quantities(values: NDArray, errors: NDArray, groups: NDArray, slug: int) -> NDArray:
    """Return all quantities (q, m) of scores (n, m), those of SLUG in one column, and errors."""
    ranks, rank_of_error = _ranks(values, errors)
    with_error = _correlations(ranks, rank_of_error)
    with_slug = _correlations(ranks, ranks[:, slug])
    within = [
        _correlations(*_ranks(values[groups == group], errors[groups == group])) for group in GROUPS
    ]
    return np.stack(
        [
            with_error,
            _correlations(values, errors),
            _sparsification(values, errors),
            with_error - with_error[slug],
            *within,
            _partial(with_error[slug], with_error, with_slug),
            _partial(with_error, with_error[slug], with_slug),
        ]
    )


def _ranks(values: NDArray, errors: NDArray) -> tuple[NDArray, NDArray]:
    return rankdata(values, axis=0), rankdata(errors)


def _correlations(values: NDArray, other: NDArray) -> NDArray:
    """Return the correlation of each column (n, m) with the other values (n,)."""
    if len(other) == 0:
        return np.full(values.shape[1], np.nan)
    values, other = values - values.mean(axis=0), other - other.mean()
    with np.errstate(invalid="ignore", divide="ignore"):
        return other @ values / np.sqrt(np.sum(values**2, axis=0) * np.sum(other**2))


def _sparsification(values: NDArray, errors: NDArray) -> NDArray:
    """Return `metrics.ause` of each column of scores."""
    counts = np.arange(1, len(errors) + 1)
    curves = np.cumsum(errors[np.argsort(values, axis=0, kind="stable")], axis=0).T / counts
    oracle = np.cumsum(np.sort(errors)) / counts
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.sum(curves - oracle, axis=1) / np.sum(errors.mean() - oracle)


def _partial(first: NDArray, second: NDArray, between: NDArray) -> NDArray:
    """Return the correlation of a first variable with a target once a second is removed from both.

    From the correlations of each with the target and between the two.
    """
    rest = (1 - second**2) * (1 - between**2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (first - second * between) / np.sqrt(np.maximum(rest, 0))


def _intervals(
    profile: Profile,
    statistics: Callable[..., NDArray],
    identifiers: pd.Series,
    patients: Patients | None,
    *arrays: Any,
) -> list[Interval]:
    groups = identifiers if patients is None else identifiers.map(patients)
    return bootstrap_many(
        statistics,
        *(array.to_numpy() for array in arrays),
        groups=groups.to_numpy(str),
        resamples=profile.statistics.resamples,
        confidence=profile.statistics.confidence,
        seed=BOOTSTRAP_SEED,
    )


def _rows(
    quantities: Sequence[str], names: Sequence[str], found: Sequence[Interval]
) -> pd.DataFrame:
    cases = [(name, quantity) for quantity in quantities for name in names]
    return pd.DataFrame(
        [
            {"baseline": name, "quantity": quantity, **vars(interval)}
            for (name, quantity), interval in zip(cases, found, strict=True)
        ]
    )
