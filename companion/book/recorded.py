"""What a recorded run shows beside the run of the clone."""

from collections.abc import Callable, Mapping

import pandas as pd
from IPython.display import HTML

from companion.book import panels
from companion.run import Run


def of_recorded(run: Run | None, tables: Mapping[str, Callable[[Run], pd.DataFrame]]) -> HTML:
    """Return titled tables of a recorded run under its data mark, or a line that there is none.

    A table without rows is left out.
    """
    if run is None:
        return HTML("<p>No run on real images that measured this is recorded in this version.</p>")
    mark = panels.data_mark(run.profile.data.sources(), len(run.profile.seeds))
    parts = [f"<p>{mark[0].upper()}{mark[1:]}.</p>"]
    made = {title: table(run) for title, table in tables.items()}
    parts += [f"<p>{title}</p>{one.to_html()}" for title, one in made.items() if not one.empty]
    return HTML("".join(parts))


def unless_empty(table: pd.DataFrame, otherwise: str) -> pd.DataFrame | HTML:
    """Return the table, or a sentence if it has no rows.

    >>> unless_empty(pd.DataFrame(), "Nothing.").data
    '<p>Nothing.</p>'
    """
    return HTML(f"<p>{otherwise}</p>") if table.empty else table
