"""Sphinx extension: missing notebooks are made, pages linked to their repository."""

from pathlib import Path
from typing import Any

from companion.book import repository
from companion.book.build import place_notebooks
from companion.book.estimators import EveryEstimator
from companion.experiments import pages
from companion.pipeline import graph

# A direct `jupyter-book build` names no profile.
PROFILE = "quick"


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive("every-estimator", EveryEstimator)
    app.connect("config-inited", make_missing_notebooks, priority=1)
    app.connect("config-inited", repository.use_address, priority=2)
    app.connect("html-page-context", repository.correct_place, priority=1)
    app.connect("html-page-context", correct_roles)
    return {"parallel_read_safe": True}


def make_missing_notebooks(app: Any, config: Any) -> None:
    """Execute the notebooks if any is missing in the book, through the graph, with progress."""
    placed = Path(app.srcdir) / "notebooks"
    if graph.inside_graph() or all((placed / f"{name}.ipynb").is_file() for name in pages()):
        return
    graph.make_outside(PROFILE, "notebooks")
    place_notebooks(PROFILE, pages())


def correct_roles(
    app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Take back that references are a list, since docutils does not mark them as its items."""
    wrong, right = '<div role="list" class="citation-list">', '<div class="citation-list">'
    context["body"] = context.get("body", "").replace(wrong, right)
