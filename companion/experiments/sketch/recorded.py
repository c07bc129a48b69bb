"""What a recorded run found about the sketch, from the numbers that it kept."""

import pandas as pd

from companion.run import Run


def recorded_sketch(run: Run) -> pd.DataFrame:
    """Return what the scores with a sketched basis came to."""
    found = run.numbers("sketch")
    rows = {
        "parameters p": f"{found['parameters']:,.0f}",
        "eigenpairs k": f"{found['rank']:.0f}",
        "fraction of the Jacobian norm that they remove": f"{found['removed']:.0%}",
        "sketch size for an error of 10 %, as published": f"{found['needed_size']:,.0f}",
        "lowest ratio of a sketched score to the full one": f"{found['lowest_ratio']:.2f}",
        "highest": f"{found['highest_ratio']:.2f}",
        "fraction of the scores below zero": f"{found['negative_scores']:.0%}",
    }
    return pd.DataFrame({"found": rows})
