"""One folder for each topic: the step that computes, its settings, its analysis and its figures.

What a folder declares in its `__init__.py` is found here, so that a new experiment edits no other:
`STEPS`, `PAGES` and, for settings of its own, `SETTINGS`.
"""

import functools
import importlib
import pkgutil
from collections.abc import Iterable
from typing import Any

from companion.config import Experiment
from companion.pipeline.steps import Page, Step
from slugkit.errors import InputError


@functools.cache
def _topics() -> tuple[Any, ...]:
    names = sorted(found.name for found in pkgutil.iter_modules(__path__) if found.ispkg)
    return tuple(importlib.import_module(f"{__name__}.{name}") for name in names)


def _declared(name: str) -> list[Any]:
    return [one for topic in _topics() for one in getattr(topic, name, ())]


@functools.cache
def steps() -> dict[str, Step]:
    """Return all steps by the name of their rule, each after those whose results it reads."""
    pending = _declared("STEPS")
    ordered: dict[str, Step] = {}
    while pending:
        made = {(step.part, name) for step in pending for name in step.all_outputs()}
        ready = [
            step
            for step in pending
            if not any((step.part, name) in made for name in step.all_inputs())
        ]
        if not ready:
            raise InputError(f"steps {', '.join(s.rule for s in pending)} wait for each other")
        ordered |= {step.rule: step for step in ready}
        pending = [step for step in pending if step not in ready]
    return ordered


def leading_to(rules: Iterable[str]) -> list[Step]:
    """Return some steps and all whose results they follow from, in their order."""
    found, pending = set(), list(rules)
    while pending:
        step = steps()[pending.pop()]
        found.add(step.rule)
        pending += [
            earlier.rule
            for earlier in steps().values()
            if earlier.rule not in found
            and earlier.part == step.part
            and set(earlier.all_outputs()) & set(step.all_inputs())
        ]
    return [step for rule, step in steps().items() if rule in found]


def sections_of(page: Page) -> list[str]:
    """Return the sections of a profile that a page depends on, none for a page on everything."""
    if page.reads_records or page.reads_verdicts:
        return []
    # A page without a step of its own tells how the scores were made.
    own = [name for step in leading_to(page.shows or ("scores",)) for name in step.settings]
    parts = [step.part for step in leading_to(page.shows or ("scores",)) if step.part]
    return sorted({*own, *parts, "name", "summary", "full_scale", "seeds", "data", "statistics"})


@functools.cache
def pages() -> dict[str, Page]:
    """Return all pages by name."""
    return {page.name: page for page in _declared("PAGES")}


@functools.cache
def settings() -> dict[str, type[Experiment]]:
    """Return the kind of settings of each experiment by its name in a profile."""
    return {kind.name: kind for kind in _declared("SETTINGS")}


def page_named(name: str) -> Page:
    """Return the declaration of a page.

    Raises
    ------
    InputError
        No page of that name is declared.
    """
    if name not in pages():
        raise InputError(
            f"there is no page {name!r}: declare it in PAGES of its folder in companion/experiments"
        )
    return pages()[name]
