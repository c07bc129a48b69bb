"""The numbers behind the claim on the sketch."""

import numpy as np
import pandas as pd

from companion.config import Profile
from companion.statistics.interval import Interval
from companion.statistics.metrics import bootstrap
from companion.statistics.summaries import BOOTSTRAP_SEED

# The two ways to estimate with a sketched basis.
FORMS = ("published", "residual")
# Larger fractions of p profit from being drawn without replacement, so that the law does not hold.
LARGEST_FRACTION = 0.25


def needed_size(rows: pd.DataFrame, form: str, error: float) -> float:
    r"""Return the sketch size from which on scores are off by less than a relative error.

    .. math:: s = m + \frac{c^2}{\epsilon^2}, \qquad
              c^2 = \text{mean of } (s - m) (\text{ratio} - 1)^2

    for the m directions of the basis where the residual inside the sketch is taken; for the
    published form m is not taken off s.

    Parameters
    ----------
    rows
        From `experiments.sketch.measure`, of one basis.
    form
        "published" or "residual".
    error
        The relative error that is allowed, root mean square over images and sketches.

    Returns
    -------
    float
        NaN where no sketch was small enough for the law.
    """
    rows = rows[rows["sketch_size"] <= LARGEST_FRACTION * rows["parameters"]]
    taken = rows["directions"] if form == "residual" else 0 * rows["directions"]
    constant = float(np.mean((rows["sketch_size"] - taken) * (rows[form] - 1) ** 2))
    return float(taken.mean()) + constant / error**2


def needed_sizes(scores: pd.DataFrame, errors: tuple[float, ...] = (0.05, 0.1)) -> pd.DataFrame:
    """Return the needed sizes for each network, kind of sketch, basis and image."""
    made = []
    given = ["parameters", "sketch", "steps", "directions", "image"]
    for values, rows in scores.groupby(given, sort=False):
        made.append(
            {
                **dict(zip(given, values, strict=True)),
                "removed": rows["removed"].mean(),
                **{
                    f"{form}, {error:.0%}": _whole(needed_size(rows, form, error))
                    for form in FORMS
                    for error in errors
                },
            }
        )
    return pd.DataFrame(made)


def _whole(size: float) -> int | None:
    return round(size) if np.isfinite(size) else None


def growth_of_size(growth: pd.DataFrame, form: str, error: float, profile: Profile) -> Interval:
    r"""Return the slope of the logarithm of the needed size in that of the number of parameters.

    It is 1 for a sketch that grows with p; for one that grows with :math:`\log p` about one over
    that logarithm. The interval is a bootstrap over images and sketches.

    Parameters
    ----------
    growth
        From `experiments.sketch.measure`, of several networks.
    form, error
        As for `needed_size`.
    profile
        Sets the bootstrap.
    """
    columns = ["parameters", "directions", "sketch_size", form]

    def slope(*arrays: np.ndarray) -> float:
        rows = pd.DataFrame(dict(zip(columns, arrays, strict=True)))
        networks = [one for _, one in rows.groupby("parameters")]
        parameters = [float(one["parameters"].iloc[0]) for one in networks]
        sizes = [needed_size(one, form, error) for one in networks]
        if not np.isfinite(sizes).all():
            return float("nan")
        return float(np.polyfit(np.log(parameters), np.log(sizes), 1)[0])

    groups = growth["image"].astype(str) + "-" + growth["repeat"].astype(str)
    return bootstrap(
        slope,
        *(growth[column].to_numpy(float) for column in columns),
        groups=groups.to_numpy(str),
        resamples=profile.statistics.resamples,
        confidence=profile.statistics.confidence,
        seed=BOOTSTRAP_SEED,
    )
