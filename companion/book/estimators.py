"""The directive `every-estimator`: all estimators on the page of the interface, found by name."""

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from slugkit.estimators.interface import estimators


class EveryEstimator(SphinxDirective):
    """Document the class of each estimator, with what its module says of it."""

    def run(self) -> list[nodes.Node]:
        """Return what autodoc makes of the modules."""
        return self.parse_text_to_nodes(modules())


def modules() -> str:
    """Return a directive of autodoc for each estimator."""
    return "\n".join(
        f".. automodule:: {one.__module__}\n   :members: {one.__name__}\n"
        for one in estimators().values()
    )
