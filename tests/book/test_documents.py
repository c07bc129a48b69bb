"""What the prose promises is there."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from companion.experiments import pages
from companion.notebook import REAL_RUN

ROOT = Path(__file__).parents[2]
BOOK = ROOT / "book"
PAGES = sorted(BOOK.glob("*.md"))
NOTEBOOKS = {path.stem for path in (ROOT / "notebooks").glob("*.py")}


def pages_of_toc(node):
    if isinstance(node, dict):
        yield from (node[key] for key in ("root", "file") if key in node)
        node = list(node.values())
    if isinstance(node, list):
        for entry in node:
            yield from pages_of_toc(entry)


def test_the_table_of_contents_lists_every_page_once():
    listed = list(pages_of_toc(yaml.safe_load((BOOK / "_toc.yml").read_text())))
    expected = {page.stem for page in PAGES} | {f"notebooks/{name}" for name in NOTEBOOKS}
    assert sorted(listed) == sorted(expected)


def test_citations_and_references_match():
    notebooks = (ROOT / "notebooks").glob("*.py")
    cited = {
        key.strip()
        for page in (*PAGES, *notebooks)
        for keys in re.findall(r"\{cite:[pt]\}`([^`]+)`", page.read_text())
        for key in keys.split(",")
    }
    assert cited == set(re.findall(r"^@\w+\{([^,]+),", (BOOK / "references.bib").read_text(), re.M))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_glued_numbers_name_a_notebook_that_makes_them(page):
    deciding = [one.name for one in pages().values() if one.decides_claims]
    for notebook, key in re.findall(r"`notebooks/(\w+)\.ipynb::(\w+):", page.read_text()):
        claim = key.removeprefix("verdict_")
        # The recorded run has the numbers of all pages that decide claims.
        makers = [notebook, *(deciding if notebook == "recorded" else [])]
        texts = [(ROOT / "notebooks" / f"{name}.py").read_text() for name in makers]
        kept = [ROOT / "results" / REAL_RUN / "notebooks" / f"{name}.json" for name in makers]
        texts += [path.read_text() for path in kept if path.is_file()]
        assert any(f'"{claim}"' in text for text in texts)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_with_numbers_of_a_run_says_whose_data_they_come_from(page):
    text = page.read_text()
    assert ("{glue:text}" in text) == ("```{glue} banner" in text)


def test_the_page_lists_exactly_the_claims_that_are_judged():
    listed = re.findall(r"^\| (C\d+) \|", (BOOK / "how_to_read.md").read_text(), re.M)
    assert listed == list(yaml.safe_load((BOOK / "claims.yml").read_text()))


def test_every_direct_dependency_has_its_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        requirements += extra
    names = {re.match(r"[\w-]+", requirement)[0] for requirement in requirements} - {"slugkit"}
    table = (ROOT / "CONTRIBUTING.md").read_text().partition("## Dependencies")[2]
    explained = re.findall(r"^\| (\w[\w-]*) \| \w", table, re.M)
    assert sorted(set(explained) - {"package"}) == sorted(names)
    assert len(explained) == len(set(explained))


def test_conda_takes_its_packages_from_the_lock():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, locked = environment["dependencies"]
    assert (python, pip) == ("python=3.11", "pip")
    assert locked == {"pip": ["-r requirements.lock"]}


def test_binder_takes_its_packages_from_the_lock():
    assert (ROOT / ".binder" / "requirements.txt").read_text() == "-r ../requirements.lock\n"
    assert (ROOT / ".binder" / "runtime.txt").read_text() == "python-3.11\n"
    assert "--no-deps" in (ROOT / ".binder" / "postBuild").read_text()


def test_the_archive_is_described_as_the_citation_is():
    archive = json.loads((ROOT / ".zenodo.json").read_text())
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert archive["license"] == citation["license"]
    assert [one["name"] for one in archive["creators"]] == [a["name"] for a in citation["authors"]]
    paper = citation["preferred-citation"]
    assert archive["related_identifiers"][0]["identifier"] in paper["journal"]
    assert {"title", "year", "authors"} <= set(paper)


def test_versions_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == project["version"]
    assert citation["license"] == project["license"]
