"""How the training went."""

import pandas as pd


def final_losses(losses: pd.DataFrame) -> pd.DataFrame:
    """Return the last epoch's loss of each (dataset, seed), as the column final_loss."""
    last = losses.sort_values("epoch").groupby(["dataset", "seed"])["negative_elbo"].last()
    return last.rename("final_loss").reset_index()


def late_gain(losses: pd.DataFrame) -> float:
    """Return the share of the whole fall of the loss that the last tenth of the epochs brought.

    Near zero, the training has converged; the largest value over all trainings is returned.
    """
    gains = []
    for _, rows in losses.groupby(["dataset", "seed"]):
        values = rows.sort_values("epoch")["negative_elbo"].to_numpy()
        start = values[int(0.9 * (len(values) - 1))]
        gains.append((start - values[-1]) / (values[0] - values[-1]))
    return float(max(gains))
