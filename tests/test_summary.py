"""A result on one screen."""

from slugkit.summary import Summarised


class Thing(Summarised):
    def summary(self):
        return "A thing", {"size": "3 < 4", "colour": "red"}


def test_the_facts_stand_below_each_other():
    assert repr(Thing()) == "A thing\n  size    3 < 4\n  colour  red"


def test_a_notebook_shows_a_table():
    made = Thing()._repr_html_()
    assert made.startswith("<table><caption>A thing</caption>")
    assert "3 &lt; 4" in made
