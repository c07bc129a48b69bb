"""The built book in a real browser, opened from the disk; run `make book` first."""

import re
import urllib.parse
from pathlib import Path

import pytest
from browser import Browser, is_there

HTML = Path(__file__).resolve().parents[2] / "_build" / "html"
PAGES = sorted(
    path.relative_to(HTML).as_posix()
    for path in HTML.rglob("*.html")
    # The page for wrong addresses is made for a web server: its links start at the root.
    if "_static" not in path.parts
    and path.name not in ("404.html", "genindex.html", "prf-prf.html")
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PAGES, reason="the book is not built: run `make book`"),
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if not is_there():
        pytest.skip("no browser: install the packages chromium and chromium-driver")
    with Browser(str(tmp_path_factory.mktemp("browser"))) as one:
        one.requests()  # the browser's own first page
        yield one


@pytest.mark.parametrize("page", PAGES)
def test_pages_fit_and_load_without_errors(browser, page):
    for width, scheme in ((1280, "light"), (1280, "dark"), (390, "light")):
        browser.resize(width, 900)
        browser.prefer(scheme)
        browser.show((HTML / page).as_uri())
        assert browser.console() == []
        local = ("file:", "data:", "blob:", "chrome:")  # the last is the browser itself
        assert [url for url in browser.requests() if not url.startswith(local)] == []
        assert browser.run("return document.documentElement.scrollWidth") <= width
        assert browser.run("return document.documentElement.dataset.theme") == scheme
        broken = "return [...document.images].filter(i => i.complete && !i.naturalWidth).length"
        assert browser.run(broken) == 0


def test_every_picture_has_a_text(browser):
    for page in PAGES:
        browser.show((HTML / page).as_uri())
        script = "return [...document.images].filter(i => !i.alt).map(i => i.src)"
        assert browser.run(script) == [], page


def test_search_finds_hutchinson(browser):
    browser.show((HTML / "search.html").as_uri() + "?q=Hutchinson")
    for _ in range(50):
        found = browser.run("return document.querySelectorAll('#search-results li a').length")
        if found:
            break
    assert found >= 2


@pytest.mark.parametrize("page", PAGES)
def test_links_anchors_and_pictures_lead_somewhere(page):
    text = (HTML / page).read_text()
    for address in re.findall(r'(?:href|src)="([^"]+)"', text):
        address = address.replace("&amp;", "&")
        if re.match(r"(https?|mailto|data|javascript):", address):
            continue
        path, _, anchor = urllib.parse.unquote(address).partition("#")
        target = (HTML / page).parent / path.split("?")[0] if path else HTML / page
        assert target.exists(), address
        if anchor and target.suffix == ".html":
            assert f'id="{anchor}"' in target.read_text(), address
