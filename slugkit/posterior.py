"""The Gaussian posterior over the parameters, and its file."""

import json
import os
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from slugkit.errors import InputError
from slugkit.files import atomic_path
from slugkit.linalg.basis import coefficients, combine, from_bytes, to_bytes
from slugkit.linalg.sketch import SketchedBasis, make_sketch
from slugkit.operators.ggn import Apply
from slugkit.operators.parameters import FlatParameters, flatten


@dataclass(frozen=True)
class Posterior:
    r"""The Gaussian over the parameters that the leading eigenpairs define.

    .. math:: \Sigma = I - U U^T, \quad\text{or}\quad
              \Sigma = \frac{1}{a} \left(I - U \frac{\Lambda}{\Lambda + a} U^T\right)

    the latter for a prior precision a. With a sketched basis only images of U under a random
    sketch are known, and possibly the first few eigenvectors.
    """

    apply: Apply
    parameters: FlatParameters  # p of them
    image_shape: tuple[int, ...]
    basis: np.ndarray  # (k, p), one eigenvector per row
    eigenvalues: np.ndarray  # (k,), largest first
    residuals: np.ndarray  # (k,), |G u - l u|
    upper: np.ndarray  # (k,), no eigenvalue of the same rank is larger; see slugkit.linalg.lanczos
    num_products: int  # products with G that the fit took
    converged: bool  # whether residuals and upper bounds meet the tolerance of the fit
    prior_precision: float | None = None
    further: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    # (m, p), the next Ritz vectors, not converged but orthonormal
    sketched: SketchedBasis | None = None

    @property
    def rank(self) -> int:
        """The number of directions that are taken out, k."""
        return len(self.eigenvalues) + (0 if self.sketched is None else len(self.sketched.rows))

    def deflate(self, vector: np.ndarray) -> np.ndarray:
        """Return (I - U U^T) v for a vector (p,)."""
        along = coefficients(self.basis, vector)
        return vector - combine(along, self.basis, vector.dtype)

    def colour(self, vectors: np.ndarray) -> np.ndarray:
        r"""Return :math:`\Sigma^{1/2} v` for each row v of the vectors (s, p)."""
        a, along = self.prior_precision, coefficients(self.basis, vectors)
        if a is None:
            return vectors - combine(along, self.basis, vectors.dtype)
        shrink = 1 - np.sqrt(a / (np.maximum(self.eigenvalues, 0) + a))
        rest = vectors - combine(along * shrink, self.basis, vectors.dtype)
        return rest / vectors.dtype.type(np.sqrt(a))


def save(posterior: Posterior, path: str | os.PathLike[str]) -> None:
    """Save a posterior to one file, without the model and its parameters.

    The file is a NumPy archive without pickled objects, and holds a digest of the parameters.
    """
    parameters, sketched = posterior.parameters, posterior.sketched
    header = {
        "format": 1,
        "digest": parameters.digest(),
        "selected": [parameters.names[i] for i in parameters.selected],
        "image_shape": posterior.image_shape,
        "num_products": posterior.num_products,
        "converged": posterior.converged,
        "prior_precision": posterior.prior_precision,
        "basis_dtype": str(posterior.basis.dtype),
        "sketch": None if sketched is None else sketched.sketch.description(),
    }
    arrays: dict[str, Any] = {
        "basis": to_bytes(posterior.basis),
        "further": to_bytes(posterior.further),
        "eigenvalues": posterior.eigenvalues,
        "residuals": posterior.residuals,
        "upper": posterior.upper,
        "sketched": np.zeros((0, 0)) if sketched is None else sketched.rows,
    }
    with atomic_path(path) as partial, partial.open("wb") as stream:
        np.savez(stream, header=json.dumps(header), **arrays)


def load(
    path: str | os.PathLike[str], apply: Apply, params: Any, *, memory_map: bool = False
) -> Posterior:
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
    sketched = None
    if header["sketch"] is not None:
        sketched = SketchedBasis(make_sketch(**header["sketch"]), small["sketched"])
    return Posterior(
        apply,
        parameters,
        tuple(header["image_shape"]),
        large["basis"],
        small["eigenvalues"],
        small["residuals"],
        upper,
        header["num_products"],
        header["converged"] and verified,
        header["prior_precision"],
        large["further"],
        sketched,
    )


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
