"""The page of what the method refuses."""

import pytest

from companion.book.refusals_page import entry, page
from companion.paths import project_root
from slugkit import refusals
from slugkit.refusals import Refusal

DECLARED = {name: one for name, one in vars(refusals).items() if isinstance(one, Refusal)}


def test_the_page_in_the_book_is_up_to_date():
    written = (project_root() / "book" / "when_it_refuses.md").read_text(encoding="utf-8")
    assert written == page(), (
        "run `python -m companion.book.refusals_page > book/when_it_refuses.md`"
    )


@pytest.mark.parametrize("name", DECLARED)
def test_every_message_is_on_it(name):
    assert "\n".join(entry(DECLARED[name])) in page()


def test_every_part_has_a_heading():
    assert page().count("\n## ") == len(refusals.PARTS)
    assert refusals.PARTS.keys() <= set(DECLARED.values())
