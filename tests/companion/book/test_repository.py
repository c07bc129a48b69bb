import subprocess
from types import SimpleNamespace

import pytest

from companion.book.repository import correct_place, use_address, web_address


@pytest.mark.parametrize(
    "origin",
    [
        "https://code.example.org/someone/slugkit",
        "https://code.example.org/someone/slugkit.git",
        "git@code.example.org:someone/slugkit.git",
        "ssh://git@code.example.org/someone/slugkit.git",
    ],
)
def test_every_form_of_a_remote_gives_its_web_address(origin):
    assert web_address(origin) == "https://code.example.org/someone/slugkit"


@pytest.mark.parametrize("origin", ["", "/srv/slugkit", "../slugkit", "file:///srv/slugkit.git"])
def test_a_folder_has_no_web_address(origin):
    assert web_address(origin) == ""


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    (tmp_path / "Snakefile").touch()
    (tmp_path / "profiles").mkdir()
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def configured():
    config = SimpleNamespace(html_theme_options={"launch_buttons": {"binderhub_url": "x"}})
    use_address(None, config)
    return config


def test_without_an_address_no_button_leads_nowhere(checkout):
    assert configured().html_theme_options == {}
    assert configured().notfound_urls_prefix == "/"


def test_with_an_address_pages_link_to_it(checkout):
    origin = "https://code.example.org/someone/slugkit.git"
    subprocess.run(["git", "remote", "add", "origin", origin], cwd=checkout, check=True)
    options = configured().html_theme_options
    assert options["repository_url"] == "https://code.example.org/someone/slugkit"
    assert options["use_issues_button"]
    assert "launch_buttons" in options
    # Where GitHub Pages puts the book of a project.
    assert configured().notfound_urls_prefix == "/slugkit/"
    assert 'href="/slugkit/index.html"' in configured().notfound_context["body"]


@pytest.mark.parametrize(("page", "place"), [("method", "book"), ("notebooks/fig1", "")])
def test_the_button_for_editing_knows_where_a_page_lies(page, place):
    context = {}
    correct_place(None, page, "", context, None)
    assert context["doc_path"] == place
