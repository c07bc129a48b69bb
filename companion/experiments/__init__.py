"""One folder for each topic: the step that computes, its settings, its analysis and its figures.

What a folder declares in its `__init__.py` is found here, so that a new experiment edits no other:
`STEPS`, `PAGES` and, for settings of its own, `SETTINGS`.
"""

import functools
import importlib
import pkgutil
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
        made = {(s.part, output) for s in pending for output in s.outputs}
        ready = [
            step for step in pending if not any((step.part, name) in made for name in step.inputs)
        ]
        if not ready:
            raise InputError(f"steps {', '.join(s.rule for s in pending)} wait for each other")
        ordered |= {step.rule: step for step in ready}
        pending = [step for step in pending if step not in ready]
    return ordered


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
