"""Profiles by name, read from profiles/*.yml."""

import functools
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from companion.config import Profile
from companion.experiments import settings
from companion.paths import project_root
from slugkit.errors import InputError


def list_profiles() -> list[str]:
    """Return the names of the profiles of this checkout."""
    return sorted(path.stem for path in (project_root() / "profiles").glob("*.yml"))


def load_profile(name: str) -> Profile:
    """Return the profile of that name.

    Raises
    ------
    InputError
        There is no such profile, or its file holds an unknown name or an impossible value.
    """
    path = project_root() / "profiles" / f"{name}.yml"
    if not path.is_file():
        raise InputError(
            f"there is no profile {name!r}: choose one of {', '.join(list_profiles())}, or add "
            f"profiles/{name}.yml"
        )
    return _read(path, path.stat().st_mtime_ns)


def read_profile(path: Path) -> Profile:
    """Return the profile in a YAML file; its name is the file's.

    An experiment whose settings all have defaults need not be in the file.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise InputError(f"{path} is not valid YAML: {error}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path} holds no settings: start from profiles/quick.yml")
    experiments = dict(content.get("experiments") or {})
    for name, kind in settings().items():
        has_to_be_given = any(field.is_required() for field in kind.model_fields.values())
        if has_to_be_given and name not in experiments:
            raise InputError(f"{path} has no experiments.{name}: copy it from profiles/quick.yml")
        experiments.setdefault(name, {})
    try:
        return make_profile({"name": path.stem} | content | {"experiments": experiments})
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def make_profile(content: dict[str, Any]) -> Profile:
    """Return the profile of some settings, those of each experiment of the kind that it declares.

    A run that was recorded before an experiment came has none for it.

    Raises
    ------
    InputError
        A name is unknown or missing, or a value is impossible.
    """
    known, experiments = settings(), {}
    for name, values in (content.get("experiments") or {}).items():
        if name not in known:
            raise InputError(f"experiments.{name} is no experiment: choose from {', '.join(known)}")
        try:
            experiments[name] = known[name].model_validate(values)
        except ValidationError as error:
            raise InputError(_explain(error, f"experiments.{name}.")) from None
    try:
        return Profile.model_validate(content | {"experiments": experiments})
    except ValidationError as error:
        raise InputError(_explain(error)) from None


def _explain(error: ValidationError, inside: str = "") -> str:
    first = error.errors()[0]
    if first["type"] == "value_error":
        return str(first["ctx"]["error"])
    where = inside + ".".join(map(str, first["loc"]))
    return f"{where + ': ' if where else ''}{first['msg']} (found {first['input']!r})"


_read = functools.lru_cache(lambda path, changed: read_profile(path))
