"""What a recorded run found about the estimators and the sketch, from the numbers that it kept."""

import pandas as pd

from companion.figures.style import LABELS
from companion.run import Run


def recorded_map_errors(run: Run) -> pd.DataFrame:
    """Return the relative error of the map at the size that the network was trained at."""
    found = run.numbers("estimators")
    size, least, most = (
        int(number)
        for number in (run.profile.data.image_size, found["least_products"], found["most_products"])
    )
    rows = {
        (LABELS["bekas"], most): found["bekas_error"],
        (LABELS["pushforward"], most): found["pushforward_error_most"],
        (LABELS["krylov"], least): found["krylov_error_least"],
        (LABELS["krylov"], most): found["krylov_error_most"],
    }
    index = pd.MultiIndex.from_tuples(rows, names=["estimator", "products"])
    errors = [f"{error:.2%}" for error in rows.values()]
    return pd.DataFrame({f"{size} pixels": errors}, index)


def recorded_ratios(run: Run) -> pd.DataFrame:
    """Return how many times more products Bekas takes, for the smallest and the largest images."""
    found = run.numbers("estimators")
    row = {
        f"{found[f'{end}_size']:g} pixels": f"{found[f'ratio_{end}']:,.0f}"
        for end in ("smallest", "largest")
    }
    return pd.DataFrame(row, index=pd.Index([int(found["least_products"])], name="products"))
