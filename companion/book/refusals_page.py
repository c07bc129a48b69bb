"""What the method refuses, as the page book/when_it_refuses.md.

`python -m companion.book.refusals_page > book/when_it_refuses.md` makes it.
"""

import re

from slugkit import refusals
from slugkit.refusals import Refusal

INTRODUCTION = """\
# When it refuses

<!-- Made from slugkit/refusals.py by `python -m companion.book.refusals_page`; edit the former. -->

What cannot be used ends in one message, an `InputError`, that names the thing and its value before
the semicolon and the remedy after it. Where JAX or the model has raised an error, that error is the
cause of ours and stands above it in the traceback. Two messages are warnings, as the numbers are
right: a `ClusterWarning` of the rank, and a `CostWarning` of the relative error. Names in
angle brackets stand for values."""


def page() -> str:
    """Return a MyST page with all messages of the method, their causes and their remedies."""
    lines = [INTRODUCTION]
    for refusal in vars(refusals).values():
        if isinstance(refusal, Refusal):
            if refusal in refusals.PARTS:
                lines += ["", f"## {refusals.PARTS[refusal]}"]
            lines += ["", *entry(refusal)]
    return "\n".join(lines) + "\n"


def entry(refusal: Refusal) -> list[str]:
    """Return the lines about one message."""
    return [_open(refusal.says), f": {refusal.cause}", f": Remedy: {_open(refusal.remedy)}."]


def _open(template: str) -> str:
    text = re.sub(r"\{(\w+)[^}]*\}", r"<\1>", template)
    # As code, which keeps its quotation marks; two backticks enclose what has some itself.
    return f"`` {text} ``" if "`" in text else f"`{text}`"


if __name__ == "__main__":
    print(page(), end="")
