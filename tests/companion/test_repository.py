import subprocess
from types import SimpleNamespace

import pytest

from slugkit.companion.repository import add_buttons, correct_place, web_address


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


@pytest.mark.parametrize("origin", ["", "/work/slugkit", "../slugkit", "file:///work/slugkit.git"])
def test_a_folder_has_no_web_address(origin):
    assert web_address(origin) == ""


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    (tmp_path / "Snakefile").touch()
    (tmp_path / "profiles").mkdir()
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def options_with_buttons():
    config = SimpleNamespace(html_theme_options={"launch_buttons": {"binderhub_url": "x"}})
    add_buttons(None, config)
    return config.html_theme_options


def test_without_an_address_no_button_leads_nowhere(checkout):
    assert options_with_buttons() == {}


def test_with_an_address_pages_link_to_it(checkout):
    origin = "https://code.example.org/someone/slugkit.git"
    subprocess.run(["git", "remote", "add", "origin", origin], cwd=checkout, check=True)
    options = options_with_buttons()
    assert options["repository_url"] == "https://code.example.org/someone/slugkit"
    assert options["use_issues_button"]
    assert "launch_buttons" in options


@pytest.mark.parametrize(("page", "place"), [("method", "book"), ("notebooks/fig1", "")])
def test_the_button_for_editing_knows_where_a_page_lies(page, place):
    context = {}
    correct_place(None, page, "", context, None)
    assert context["doc_path"] == place
