"""What is known about each data set: licence, files, digests, labels, defects, permissions."""

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slugkit.errors import InputError

# Beside the package, in a checkout as in an installation (pyproject.toml puts them there).
FOLDER = Path(__file__).resolve().parents[3] / "data_manifests"

Unknown = Literal["unknown"]
Url = Annotated[str, Field(pattern=r"^(https?|gs)://\S+$")]
Digest = Annotated[str, Field(pattern=r"^(md5:[0-9a-f]{32}|sha256:[0-9a-f]{64})$")]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class File(_Record):
    """One file to fetch."""

    name: str  # its path, relative to the data set's folder
    url: Url | Unknown
    bytes: int | Unknown
    digest: Digest | Unknown
    size: str = ""  # as published where the exact number of bytes is not known: "5.8 GB"
    unpack: bool = False
    content: str = ""


class ImageColumn(_Record):
    """Images fetched one by one, from a table that gives the address and the digest of each."""

    table: str  # a file of this manifest
    url: str  # column of the address
    md5: str  # column of the md5 of the bytes, which is also the file's name
    folder: str
    suffix: str


class Contents(_Record):
    """The content of a complete folder: `count` files matching `pattern`."""

    pattern: str
    count: int | Unknown
    digest: Digest | None = None  # of the one file, where count is 1


class Layout(_Record):
    """One folder, under the data root, in which the data set is recognised."""

    folder: str
    contents: list[Contents]
    digests: str = ""  # table of the columns file and sha256, where the folder carries one
    note: str = ""


class Columns(_Record):
    """Where a plain table of one row per image has what is needed; a name's ending is left out."""

    tables: list[str]  # the first of these that is anywhere in the folder
    image_id: str
    group: str  # the patient or lesion
    fitzpatrick: str | None = None  # a number from 1 to 6, or nothing


class Permission(_Record):
    """Whether something is allowed, and why."""

    allowed: bool | Unknown
    reason: str


class Manifest(_Record):
    """All that is known about one data set; what is not known is written as unknown."""

    name: str
    title: str
    licence: str
    citation: str
    doi: str | Unknown
    homepage: Url | Unknown
    access: Literal["open", "form", "agreement"]
    steps: list[str] = []  # what a person does by hand
    images: int | Unknown
    files: list[File]
    image_column: ImageColumn | None = None
    layouts: list[Layout]
    # How the folder becomes an index table: by the columns of a plain table, or by a function of
    # its own, "module:function" in slugkit/data/readers.
    columns: Columns | None = None
    reader: str = ""
    groups: str = ""  # what decides which images stay on one side of a split, and where it is read
    labels: dict[str, str]  # column: meaning
    defects: list[str]
    showing: Permission  # its images in a public page
    sharing: Permission  # its files passed on
    sources: list[str]  # where these facts were read

    @property
    def may_show(self) -> bool:
        """Whether its images may appear in a public page; what is not known counts as no."""
        return self.showing.allowed is True


def list_manifests() -> list[str]:
    """Return the names of all data sets that have a manifest, in alphabetical order."""
    return sorted(path.stem for path in FOLDER.glob("*.yml"))


@cache
def load_manifest(name: str) -> Manifest:
    """Return the manifest of a data set.

    Raises
    ------
    InputError
        There is no such manifest, or it does not follow the schema.
    """
    known = list_manifests()
    if name not in known:
        raise InputError(f"no data set is called {name!r}; choose from {', '.join(known)}")
    return read_manifest(FOLDER / f"{name}.yml")


def read_manifest(path: Path) -> Manifest:
    """Read and validate one manifest file.

    Raises
    ------
    InputError
        The file is not valid YAML or does not follow the schema; the message names the field.
    """
    try:
        manifest = Manifest.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError) as error:
        raise InputError(f"{path}: not a valid manifest: {error}") from error
    if manifest.name != path.stem:
        raise InputError(f"{path}: the name in it is {manifest.name!r}, it must be {path.stem!r}")
    return manifest
