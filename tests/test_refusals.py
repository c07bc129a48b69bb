"""The declarations of what the method refuses."""

import ast
import string
from pathlib import Path

import pytest

import slugkit
from slugkit import refusals
from slugkit.errors import ImageError, InputError
from slugkit.refusals import Refusal

DECLARED = {name: one for name, one in vars(refusals).items() if isinstance(one, Refusal)}
PACKAGE = Path(slugkit.__file__).parent


@pytest.mark.parametrize("name", DECLARED)
def test_each_names_cause_and_remedy_in_a_sentence(name):
    one = DECLARED[name]
    assert one.cause.endswith(".")
    assert not one.says.endswith((".", ";"))
    assert not one.remedy.endswith((".", ";"))


def used():
    """Return the names of declarations that a module uses, wherever it does."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                found |= {node.attr} if node.value.id == "refusals" else set()
    return found


def test_each_is_used():
    assert DECLARED.keys() <= used()


def test_no_two_say_the_same():
    assert len({(one.says, one.remedy) for one in DECLARED.values()}) == len(DECLARED)


def test_the_values_stand_in_the_message():
    assert str(refusals.RANK.error(given=7, most=3)).startswith("rank is 7; give a number from 0")
    for one in DECLARED.values():
        fields = {name for _, name, *_ in string.Formatter().parse(one.says + one.remedy) if name}
        assert isinstance(one.error(**dict.fromkeys(fields, 1)), InputError)


def test_an_error_of_an_image_can_be_counted_from_elsewhere():
    error = refusals.IMAGE_NOT_FINITE.of_image(3)
    assert isinstance(error, ImageError)
    assert error.image == 3
    assert str(error).startswith("image 3 has values")
    assert error.message(13).startswith("image 13 has values")
