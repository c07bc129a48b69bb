"""The foreign objects of the benchmark in numbers, with intervals over images."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from companion.config import Profile
from companion.experiments.objects.measure import METHODS, plainest
from companion.run import Run
from companion.statistics.claims import OBJECTS, Check
from companion.statistics.interval import Interval
from companion.statistics.metrics import over_seeds
from companion.statistics.runs import cluster_check
from companion.statistics.summaries import over_images

TITLES = {"slug": "SLUG", "squared_error": "squared error"}
# What stands for the whole score of an image in the score table.
SCORES = {"slug": "slug", "squared_error": "mse"}


def separation(
    with_object: np.ndarray, without: np.ndarray, images: np.ndarray, seeds: np.ndarray
) -> float:
    """Return the probability that an image with an object scores above another one without.

    It is the area under the ROC curve (AUROC) over all pairs of different images that the same
    network has scored; a detector does not have the clean form of the image that it looks at.

    Parameters
    ----------
    with_object, without
        Scores of each image with and without the object, (n,).
    images, seeds
        Which image and which network each row is about, (n,).

    >>> separation(np.array([2.0, 3.0]), np.array([1.0, 2.0]), np.array([0, 1]), np.zeros(2))
    0.75
    """
    usable = (images[:, None] != images[None, :]) & (seeds[:, None] == seeds[None, :])
    difference = (with_object[:, None] - without[None, :])[usable]
    if not len(difference):
        return np.nan
    return float(np.mean((difference > 0) + 0.5 * (difference == 0)))


def rising(with_object: np.ndarray, without: np.ndarray) -> float:
    """Return the share of images whose score rises when an object is laid over them.

    >>> rising(np.array([2.0, 3.0]), np.array([1.0, 3.0]))
    0.5
    """
    return float(np.mean(with_object > without))


def advantage(objects: pd.DataFrame, profile: Profile, kind: str) -> Interval:
    """Return by how much the pixel AUROC of SLUG exceeds the squared error's, image by image."""
    rows = objects[objects["kind"] == kind].pivot_table(
        index=["seed", "image_id", "scale", "contrast"], columns="method", values="auroc"
    )
    rows = rows.assign(advantage=rows["slug"] - rows["squared_error"]).reset_index()
    return over_images(rows, profile, np.mean, "advantage")


def error_ratio(objects: pd.DataFrame, profile: Profile, kind: str) -> Interval:
    """Return the mean squared error inside the objects over that outside."""
    rows = objects[(objects["kind"] == kind) & (objects["method"] == "squared_error")]
    return over_images(rows, profile, _ratio_of_means, "inside", "outside")


def pixel_table(objects: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Return how well the maps find the objects, kind by kind."""

    def row(rows: pd.DataFrame) -> dict[str, str]:
        cells = {"pixels covered": f"{rows['covered'].mean():.0%}"}
        for method in METHODS:
            chosen = rows[rows["method"] == method]
            for column, title in (("auroc", "AUROC"), ("average_precision", "AP")):
                found = over_images(chosen, profile, np.mean, column)
                cells[f"{title}, {TITLES[method]}"] = f"{found}"
        kind = str(rows["kind"].iloc[0])
        return cells | {"AUROC, SLUG minus error": f"{advantage(rows, profile, kind)}"}

    return _by_kind(objects, row)


def image_table(objects: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Return how well whole scores tell images with an object from the same images without."""

    def row(rows: pd.DataFrame) -> dict[str, str]:
        cells = {}
        for method in METHODS:
            chosen = rows[rows["method"] == method]
            numbered = chosen.assign(image=pd.factorize(chosen["image_id"])[0])
            columns = ("score", "clean_score")
            above = over_images(numbered, profile, separation, *columns, "image", "seed")
            cells[f"AUROC, {TITLES[method]}"] = f"{above}"
            risen = over_images(chosen, profile, rising, *columns)
            cells[f"share that rises, {TITLES[method]}"] = f"{risen}"
            found = over_images(chosen, profile, _ratio_of_means, "score", "clean_score")
            cells[f"score with over without, {TITLES[method]}"] = f"{found}"
        return cells

    return _by_kind(objects, row)


def error_table(objects: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Return the squared error inside the objects, there before them, and elsewhere."""

    def row(rows: pd.DataFrame) -> dict[str, str]:
        rows = rows[rows["method"] == "squared_error"]
        cells = {
            title: str(over_images(rows, profile, np.mean, column))
            for column, title in (
                ("inside", "inside"),
                ("clean_inside", "same pixels before"),
                ("outside", "outside"),
            )
        }
        ratio = error_ratio(rows, profile, str(rows["kind"].iloc[0]))
        return cells | {"inside over outside": f"{ratio}"}

    return _by_kind(objects, row)


def tagged_table(scores: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Return how well whole scores tell images with real objects from images tagged "none".

    These are different images, taken in different ways, so that whatever tells them apart need not
    be the object. Empty where no image has a tag.
    """
    without = scores[scores["set"] == "clean"]

    def row(rows: pd.DataFrame) -> dict[str, str]:
        cells = {"images": str(rows["image_id"].nunique())}
        both = pd.concat([rows.assign(has_object=1), without.assign(has_object=0)])
        for method, column in SCORES.items():
            found = over_images(
                both, profile, over_seeds(_auroc_of_labels), "has_object", column, "seed"
            )
            cells[f"AUROC, {TITLES[method]}"] = f"{found}"
        return cells

    tagged = scores[scores["set"] == "tagged"]
    return _by_kind(tagged.assign(kind=tagged["object"]), row)


def lesion_table(lesions: pd.DataFrame, profile: Profile) -> pd.DataFrame:
    """Return how far the lesion, and the object beside it, stand above the rest of the image."""

    def row(rows: pd.DataFrame) -> dict[str, str]:
        cells = {"images": str(rows["image_id"].nunique())}
        for method in METHODS:
            chosen = rows[rows["method"] == method]
            for above, below in (("lesion", "skin"), ("object", "lesion")):
                found = over_images(chosen, profile, _ratio_of_means, above, below)
                cells[f"{above} over {below}, {TITLES[method]}"] = f"{found}"
        return cells

    return _by_kind(lesions, row)


def lesion_checks(lesions: pd.DataFrame, profile: Profile) -> list[Check]:
    """C11: uncertainty falls from the object to the lesion to the skin of the same image.

    One pair for each kind of object that the paper shows; none without images of a known lesion.
    """
    rows = lesions[lesions["method"] == "slug"]
    rows = rows.assign(group=rows["image_id"])
    checks = []
    for kind in [kind for kind in OBJECTS if (rows["kind"] == kind).any()]:
        chosen = rows[rows["kind"] == kind]
        for more, less in (("lesion", "skin"), ("object", "lesion")):
            # A column "object" is read as text, which is what it is in other tables.
            above, below = (chosen[name].astype(float) for name in (more, less))
            logs = chosen.assign(log=np.log(above / below))
            metric = f"log of SLUG of {more} over {less}, {kind}"
            which = f"{more}_over_{less}"
            checks.append(cluster_check("C11", which, metric, logs, profile, np.mean, "log"))
    return checks


def summary(objects: pd.DataFrame, profile: Profile) -> dict[str, float]:
    """Return the named numbers: for each kind, SLUG's advantage and the ratio of the errors."""
    numbers: dict[str, float] = {}
    for kind in objects["kind"].unique():
        gap, ratio = advantage(objects, profile, kind), error_ratio(objects, profile, kind)
        numbers |= {f"advantage_{kind}": gap.value, f"error_ratio_{kind}": ratio.value}
        numbers |= {f"advantage_{kind}_low": gap.low, f"advantage_{kind}_high": gap.high}
    return numbers


def recorded_pixels(run: Run) -> pd.DataFrame:
    """Return `pixel_table` of a recorded run."""
    return pixel_table(plainest(run.table("objects")), run.profile)


def recorded_errors(run: Run) -> pd.DataFrame:
    """Return `error_table` of a recorded run."""
    return error_table(plainest(run.table("objects")), run.profile)


def recorded_images(run: Run) -> pd.DataFrame:
    """Return `image_table` of a recorded run."""
    return image_table(plainest(run.table("objects")), run.profile)


def recorded_lesions(run: Run) -> pd.DataFrame:
    """Return `lesion_table` of a recorded run."""
    return lesion_table(run.table("lesions"), run.profile)


def _by_kind(rows: pd.DataFrame, row: Callable[[pd.DataFrame], dict[str, str]]) -> pd.DataFrame:
    made = {str(kind): row(group) for kind, group in rows.groupby("kind", sort=False)}
    return pd.DataFrame.from_dict(made, orient="index").rename_axis("object")


def _ratio_of_means(above: np.ndarray, below: np.ndarray) -> float:
    return float(np.mean(above) / np.mean(below))


def _auroc_of_labels(labels: np.ndarray, scores: np.ndarray) -> float:
    return float(roc_auc_score(labels, scores)) if 0 < labels.mean() < 1 else np.nan
