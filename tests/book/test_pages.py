"""The built book in a real browser, from the disk and from a web server; run `make book` first."""

import functools
import re
import threading
import urllib.parse
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path

import pytest
from browser import Browser, is_there

HTML = Path(__file__).resolve().parents[2] / "_build" / "html"
PAGES = sorted(
    path.relative_to(HTML).as_posix()
    for path in HTML.rglob("*.html")
    # The page for wrong addresses is made for a web server: its links start at the root.
    if "_static" not in path.parts and path.name != "404.html"
)
# Pages of source code are all alike, and fewer tests have to look at each.
READ = [page for page in PAGES if not page.startswith("_modules/")]
EXPLORER = "notebooks/explorer.html"

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


class Quiet(SimpleHTTPRequestHandler):
    """Serves the book, and for a wrong address the book's own page."""

    def log_message(self, *arguments):
        pass

    def send_error(self, code, *arguments):
        self.send_response(code)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write((HTML / "404.html").read_bytes())


@pytest.fixture(scope="module")
def server():
    handler = functools.partial(Quiet, directory=HTML)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as one:
        thread = threading.Thread(target=one.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{one.server_port}"
        one.shutdown()
        thread.join()


def faults(browser, own):
    """What a reader would notice: errors, requests to elsewhere, pictures that do not load."""
    browser.await_result(
        "Promise.all([...document.images].filter(i => i.loading != 'lazy').map(i => i.decode()))"
    )
    local = (own, "data:", "blob:", "chrome:")  # the last is the browser itself
    broken = "return [...document.images].filter(i => i.complete && !i.naturalWidth).length"
    return (
        browser.console()
        + [url for url in browser.requests() if not url.startswith(local)]
        + ["a picture is broken"] * browser.run(broken)
    )


@pytest.mark.parametrize("page", PAGES)
def test_pages_fit_and_load_without_errors_and_pictures_have_a_text(browser, page):
    visits = (1280, "light"), (390, "dark"), (1280, "dark"), (390, "light")
    for width, scheme in visits if page in READ else visits[:2]:
        browser.resize(width, 900)
        browser.prefer(scheme)
        browser.show((HTML / page).as_uri())
        assert faults(browser, "file:") == []
        assert browser.run("return document.documentElement.scrollWidth") <= width
        assert browser.run("return document.documentElement.dataset.theme") == scheme
    script = "return [...document.images].filter(i => !i.alt).map(i => i.src)"
    assert browser.run(script) == []


@pytest.mark.parametrize("page", READ)
def test_pages_load_from_a_web_server(browser, server, page):
    browser.show(f"{server}/{page}")
    assert faults(browser, server) == []


def test_a_wrong_address_leads_back_to_the_book(browser, server):
    browser.show(f"{server}/nowhere/at_all.html")
    browser.console()  # names the wrong address itself
    assert (
        browser.run("return document.querySelector('article h1').textContent") == "Page not found"
    )
    home = browser.run("return document.querySelector('article a').href")
    browser.show(home)
    assert browser.console() == []
    assert "wrong?" in browser.run("return document.querySelector('article h1').textContent")


@pytest.mark.parametrize("page", READ)
def test_nothing_keeps_a_reader_out(browser, page):
    """The rules of axe-core, in both themes."""
    rules = (files("axe_core_python") / "axe.min.js").read_text()
    for scheme in ("light", "dark"):
        browser.resize(1280, 900)
        browser.prefer(scheme)
        browser.show((HTML / page).as_uri())
        browser.run(rules)
        settled = "Promise.all(document.getAnimations().map(a => a.finished))"
        # Most of the time would go into describing what is as it should be.
        run = "axe.run({resultTypes: ['violations']}).then(result => result.violations)"
        assert [
            (rule["id"], [node["html"] for node in rule["nodes"]])
            for rule in browser.await_result(f"{settled}.then(() => {run})")
            if rule["impact"] in ("serious", "critical")
        ] == [], scheme


def test_no_letter_of_a_figure_is_cut_off(browser):
    script = """
        const svg = document.documentElement, box = svg.viewBox.baseVal;
        const toBox = svg.getScreenCTM().inverse();
        return [...svg.querySelectorAll("g[id^=text_]")].map(text => {
            const {left, top, right, bottom} = text.getBoundingClientRect();
            const start = new DOMPoint(left, top).matrixTransform(toBox);
            const end = new DOMPoint(right, bottom).matrixTransform(toBox);
            return [text.innerHTML.match(/<!-- (.*?) -->/)[1],
                Math.min(start.x, start.y, box.width - end.x, box.height - end.y)];
        })"""
    figures = sorted((HTML / "_images").glob("*.svg"))
    assert figures
    for figure in figures:
        browser.show(figure.as_uri())
        texts = browser.run(script)
        assert texts, figure
        assert [text for text, margin in texts if margin < -0.5] == [], figure


def test_search_finds_hutchinson(browser):
    browser.show((HTML / "search.html").as_uri() + "?q=Hutchinson")
    # The theme's script adds one result after the other, then a sentence that counts them.
    script = """new Promise(done => {
        const look = () => document.querySelector("#search-results .search-summary")?.textContent
            ? done(document.querySelectorAll("#search-results li a").length)
            : setTimeout(look, 50);
        look();
    })"""
    assert browser.await_result(script) >= 2


def explored(browser):
    """What the explorer shows: its map, its sentence, and which points are lit."""
    return browser.run(
        "const one = document.querySelector('.explorer');"
        "return [one.querySelector('[data-picture=uncertainty]').src,"
        " one.querySelector('[role=status]').textContent,"
        " [...one.querySelectorAll('.choice')].flatMap("
        "(p, n) => p.getAttribute('aria-pressed') == 'true' ? [n] : [])]"
    )


@pytest.mark.parametrize("slider", ["samples", "rank"])
def test_a_slider_of_the_explorer_changes_the_picture(browser, slider):
    browser.show((HTML / EXPLORER).as_uri())
    picture, says, lit = explored(browser)
    browser.run(
        f"const slider = document.querySelector('.explorer input[name={slider}]');"
        "slider.value = 0; slider.dispatchEvent(new Event('input'))"
    )
    changed, now_says, still_lit = explored(browser)
    assert changed.startswith("data:image/png")
    assert changed != picture
    assert now_says != says
    assert still_lit == lit


@pytest.mark.parametrize("event", ["mouseenter", "focus", "click"])
def test_a_point_of_the_explorer_shows_its_image_and_lights_up(browser, event):
    browser.show((HTML / EXPLORER).as_uri())
    picture, _, lit = explored(browser)
    assert lit == [0]
    browser.run(f"document.querySelectorAll('.choice')[3].dispatchEvent(new Event('{event}'))")
    changed, says, lit = explored(browser)
    assert lit == [3]
    assert says.startswith("Image 4:")
    assert changed != picture
    assert browser.run("return document.querySelector('.explorer select').value") == "3"


def test_the_explorers_script_is_loaded_on_its_page_alone():
    assert [page for page in PAGES if "explorer.js" in (HTML / page).read_text()] == [EXPLORER]


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
