"""A result on one screen, as text and as HTML, in place of all its numbers."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from html import escape

# A title, and facts by name.
Summary = tuple[str, Mapping[str, str]]


class Summarised(ABC):
    """Shows itself by its summary, both in Python and in a notebook."""

    @abstractmethod
    def summary(self) -> Summary:
        """Return what is to be known of it at a glance."""

    def __repr__(self) -> str:
        return as_text(self.summary())

    def _repr_html_(self) -> str:
        return as_html(self.summary())


def as_text(summary: Summary) -> str:
    """Return the summary with a line for each fact.

    >>> print(as_text(("Estimate", {"median": "2", "products": "100"})))
    Estimate
      median    2
      products  100
    """
    title, facts = summary
    width = max(map(len, facts))
    return "\n".join([title, *(f"  {name:{width}}  {fact}" for name, fact in facts.items())])


def as_html(summary: Summary) -> str:
    """Return the summary as a table with a caption."""
    title, facts = summary
    rows = "".join(
        f'<tr><th scope="row" style="text-align: left">{escape(name)}</th>'
        f'<td style="text-align: left">{escape(fact)}</td></tr>'
        for name, fact in facts.items()
    )
    return f"<table><caption>{escape(title)}</caption><tbody>{rows}</tbody></table>"
