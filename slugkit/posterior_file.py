"""Posteriors in files."""

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from slugkit.errors import InputError
from slugkit.files import atomic_path
from slugkit.linalg.basis import from_bytes, to_bytes
from slugkit.linalg.sketch import make_sketch
from slugkit.linalg.sketched_basis import SketchedBasis
from slugkit.operators.jacobian import Apply
from slugkit.operators.parameters import flatten
from slugkit.posterior import Posterior, SketchedPosterior


def save(posterior: Posterior | SketchedPosterior, path: str | os.PathLike[str]) -> None:
    """Save a posterior to one file, without the model and its parameters.

    The file is a NumPy archive without pickled objects, and holds a digest of the parameters.
    """
    sketched = posterior.sketched if isinstance(posterior, SketchedPosterior) else None
    known = posterior.exact if isinstance(posterior, SketchedPosterior) else posterior
    parameters = known.parameters
    header = {
        "format": 1,
        "digest": parameters.digest(),
        "selected": [parameters.names[i] for i in parameters.selected],
        "image_shape": known.image_shape,
        "num_products": posterior.num_products,
        "converged": known.converged,
        "prior_precision": known.prior_precision,
        "following": [known.following, known.following_residual],
        "basis_dtype": str(known.basis.dtype),
        "sketch": None if sketched is None else sketched.sketch.description(),
    }
    if sketched is not None:
        header["num_products_exact"] = known.num_products
    arrays: dict[str, Any] = {
        "basis": to_bytes(known.basis),
        # The extra vectors, under their name in the first version of the format.
        "further": to_bytes(known.extra_vectors),
        "eigenvalues": known.eigenvalues,
        "residuals": known.residuals,
        "upper": known.upper,
        "sketched": np.zeros((0, 0)) if sketched is None else sketched.rows,
    }
    with atomic_path(path) as partial, partial.open("wb") as stream:
        np.savez(stream, header=json.dumps(header), **arrays)


def load(
    path: str | os.PathLike[str], apply: Apply, params: Any, *, memory_map: bool = False
) -> Posterior | SketchedPosterior:
    """Load a posterior that belongs to the given model and parameters.

    In a file from before there were upper bounds they are infinite, and it has not converged.

    Parameters
    ----------
    path
        From `save`.
    apply, params
        As given to `fit`.
    memory_map
        Leave the eigenvectors in the file and read them as they are needed.

    Raises
    ------
    InputError
        The file is no saved posterior, is cut short, or was saved for other parameters.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            header = json.loads(str(archive["header"]))
            small = {name: archive[name] for name in ("eigenvalues", "residuals", "sketched")}
            verified = "upper" in archive
            upper = archive["upper"] if verified else np.full(len(small["residuals"]), np.inf)
            kind = header["basis_dtype"]
            large = {
                name: from_bytes(_map(path, archive, name) if memory_map else archive[name], kind)
                for name in ("basis", "further")
            }
    except FileNotFoundError as error:
        raise InputError(f"there is no posterior at {path}; fit one and save it there") from error
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path} is not a saved posterior or was cut short ({error}); fit and save it again"
        ) from error
    selected = set(header["selected"])
    parameters = flatten(params, lambda name: name in selected)
    if parameters.digest() != header["digest"]:
        raise InputError(
            f"the posterior {path} was fitted to other parameters; give those it was fitted to, "
            "or fit again"
        )
    known = Posterior(
        apply,
        parameters,
        tuple(header["image_shape"]),
        large["basis"],
        small["eigenvalues"],
        small["residuals"],
        upper,
        header.get("num_products_exact", header["num_products"]),
        header["converged"] and verified,
        header["prior_precision"],
        large["further"],
        *header.get("following", []),
    )
    if header["sketch"] is None:
        return known
    sketched = SketchedBasis(make_sketch(**header["sketch"]), small["sketched"])
    return SketchedPosterior(known, sketched, header["num_products"])


def _map(path: Path, archive: Any, name: str) -> np.ndarray:
    """Map one array of an archive, which NumPy stores uncompressed, into memory."""
    with archive.zip.open(f"{name}.npy") as member:
        version = np.lib.format.read_magic(member)
        read_header = getattr(np.lib.format, f"read_array_header_{version[0]}_{version[1]}")
        shape, _, dtype = read_header(member)
        length_of_header = member.tell()
    if 0 in shape:
        return np.zeros(shape, dtype)
    start = archive.zip.getinfo(f"{name}.npy").header_offset
    with path.open("rb") as stream:
        stream.seek(start + 26)
        name_length, extra_length = (int.from_bytes(stream.read(2), "little") for _ in range(2))
    offset = start + 30 + name_length + extra_length + length_of_header
    return np.memmap(path, dtype, "r", offset, shape)
