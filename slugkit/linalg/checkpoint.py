"""A file that keeps the state of a long computation, and is always whole."""

import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from slugkit.errors import InputError
from slugkit.files import atomic_path

SECONDS_BETWEEN_CHECKPOINTS = 5.0


class Checkpoint:
    """Arrays in a file that belongs to one computation, saved every few seconds."""

    def __init__(self, path: Path, identity: str):
        self.path, self.identity = path, identity
        self.pause, self.last = SECONDS_BETWEEN_CHECKPOINTS, time.monotonic()

    def due(self) -> bool:
        """Say whether it is time to save again."""
        return time.monotonic() - self.last >= self.pause

    def save(self, state: Mapping[str, Any]) -> None:
        """Write the arrays; never takes more than a twentieth of the time if asked when due."""
        begin = time.monotonic()
        with atomic_path(self.path) as partial, partial.open("wb") as stream:
            np.savez(stream, allow_pickle=False, identity=self.identity, **state)
        self.last = time.monotonic()
        self.pause = max(SECONDS_BETWEEN_CHECKPOINTS, 20 * (self.last - begin))

    def read(self) -> dict[str, Any] | None:
        """Return the arrays, or None where there is no file yet.

        Raises
        ------
        InputError
            The file is broken or belongs to another computation.
        """
        if not self.path.exists():
            return None
        try:
            with self.path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
                saved = dict(archive)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(
                f"the checkpoint {self.path} cannot be read ({error}); delete it to begin anew"
            ) from error
        if str(saved.get("identity")) != self.identity:
            raise InputError(
                f"the checkpoint {self.path} belongs to other parameters, images or options; "
                "delete it or give another path"
            )
        return saved
