"""Paths of the checkout, the data and the results of a run."""

import os
from dataclasses import dataclass
from pathlib import Path

import slugkit
from slugkit.errors import InputError


def project_root() -> Path:
    """Return the folder of the checkout: above the working folder, else above the package.

    Raises
    ------
    InputError
        There is none: the companion needs the notebooks and profiles of a clone.
    """
    package = Path(slugkit.__file__).resolve().parent.parent
    for folder in (Path.cwd(), *Path.cwd().parents, package):
        if (folder / "Snakefile").is_file() and (folder / "profiles").is_dir():
            return folder
    raise InputError(
        f"no checkout of slugkit at or above {Path.cwd()}: run this inside a clone of the "
        "repository"
    )


def data_root() -> Path:
    """Return the folder with real images: $SLUGKIT_DATA, else `data` in the checkout."""
    configured = os.environ.get("SLUGKIT_DATA")
    return Path(configured).expanduser() if configured else project_root() / "data"


def decoded_folder(source: str, size: int) -> Path:
    """Return the folder of a real data set's decoded images, shared by all profiles."""
    return project_root() / "runs" / "images" / f"{source}-{size}"


@dataclass(frozen=True)
class RunPaths:
    """The files of one profile under runs/<profile>/, or of its recorded run under results/."""

    profile: str
    base: str = "runs"

    @property
    def root(self) -> Path:
        return project_root() / self.base / self.profile

    def prepared(self, seed: int) -> Path:
        """The folder with one seed's images and index tables."""
        return self.root / f"seed{seed}" / "data"

    def trained(self, dataset: str, seed: int) -> Path:
        """The folder with one model and what was computed from it."""
        return self.root / f"seed{seed}" / dataset

    def notebook(self, name: str) -> Path:
        """An executed notebook."""
        return self.root / "notebooks" / f"{name}.ipynb"

    def table(self, name: str) -> Path:
        """A table that a notebook wrote."""
        return self.root / "tables" / name
