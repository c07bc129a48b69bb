from html.parser import HTMLParser

import pytest

from companion.book.panels import banner, provenance_panel
from companion.profiles import load_profile


class Outline(HTMLParser):
    """The sequence of opening tags, and a check that every one is closed in order."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def with_data(name, *sources):
    profile = load_profile(name)
    data = profile.data.model_copy(
        update={
            "skin": profile.data.skin.model_copy(update={"source": sources[0]}),
            "objects": profile.data.objects.model_copy(update={"source": sources[-1]}),
            "external": None,
        }
    )
    return profile.model_copy(update={"data": data})


@pytest.mark.parametrize(
    ("profile", "data_sets", "title"),
    [
        ("quick", ["synthetic"], "Synthetic images."),
        ("paper", ["synthetic", "isic2017"], "Synthetic images."),
        ("reduced", ["pad_ufes_20", "isic2017"], "Reduced scale."),
    ],
)
def test_banner_names_the_kind_of_data(profile, data_sets, title):
    html = banner(with_data(profile, *data_sets)).data
    Outline(html)
    assert title in html
    assert f"<code>{profile}</code>" in html
    assert all(name in html for name in data_sets)


def test_only_the_papers_own_experiment_is_unmarked():
    assert banner(with_data("paper", "fitzpatrick17k", "isic2017")).data == ""
    assert banner(with_data("reduced", "fitzpatrick17k", "isic2017")).data != ""


def test_panel_has_one_row_per_fact():
    html = provenance_panel({"commit": "1a2b", "seeds": [0, 1], "packages": {"jax": "0.10"}}).data
    assert Outline(html).tags.count("tr") == 3
    assert "<li>jax 0.10</li>" in html
    assert "<li>0</li><li>1</li>" in html


def test_panel_escapes_what_it_is_given():
    html = provenance_panel({"command": "make book <PROFILE> & more", "a<b": "<script>"}).data
    Outline(html)
    assert "<code>make book &lt;PROFILE&gt; &amp; more</code>" in html
    assert "<script>" not in html
