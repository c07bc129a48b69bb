"""Classes that are found by name in the modules of a package: a new one is one more file."""

import functools
import importlib
import inspect
import pkgutil
from typing import Any, TypeVar

from slugkit.errors import InputError

Kind = TypeVar("Kind")


@functools.cache
def discover(package: str, base: type[Kind]) -> dict[str, type[Kind]]:
    """Return the classes derived from `base` that the modules of a package define, by `name`.

    Modules come in alphabetical order, the classes of a module in that of their definition.
    Abstract classes, and what a module merely imports, are left out.
    """
    found: dict[str, type[Kind]] = {}
    for entry in pkgutil.iter_modules(importlib.import_module(package).__path__):
        module = importlib.import_module(f"{package}.{entry.name}")
        for member in vars(module).values():
            if (
                inspect.isclass(member)
                and issubclass(member, base)
                and member.__module__ == module.__name__
                and not inspect.isabstract(member)
            ):
                found[getattr(member, "name")] = member  # noqa: B009 (Kind declares no name)
    return found


def resolve(given: Any, base: type[Kind], found: dict[str, type[Kind]], purpose: str) -> Kind:
    """Return an object of the kind `base` for itself or for its name in `found`.

    Raises
    ------
    InputError
        It is neither; the message begins with the purpose, such as "estimator".
    """
    if isinstance(given, base):
        return given
    if isinstance(given, str) and given in found:
        return found[given]()
    raise InputError(
        f"{purpose} is {given!r}; choose one of {', '.join(found)}, or give an object such as "
        f"{next(iter(found.values())).__name__}()"
    )
