"""How far the score with a sketched basis is from that with the same basis without a sketch."""

from collections.abc import Mapping, Sequence

import jax
import numpy as np
import pandas as pd
from jaxtyping import Float

from slugkit.linalg.basis import gram, rotate
from slugkit.linalg.random import normals, seed_from
from slugkit.linalg.range_finder import orthonormalise
from slugkit.linalg.recurrence import Product, recurrence
from slugkit.linalg.sketch import make_sketch
from slugkit.linalg.sketched_basis import SketchedBasis
from slugkit.operators.jacobian import Apply, Jacobian, lineariser
from slugkit.operators.parameters import FlatParameters

# Directions of a Krylov space whose singular value is below this fraction of the largest are copies
# of others, as in `slugkit.solvers.sketched_lanczos`.
THRESHOLD = 1e-3


def krylov_bases(
    product: Product, length: int, steps: Sequence[int], seed: int
) -> dict[int, Float[np.ndarray, "m p"]]:
    """Return orthonormal bases of what the first steps of three-term Lanczos iteration span.

    Parameters
    ----------
    product
        Multiplies by the matrix.
    length
        The number of rows p.
    steps
        For each basis; one iteration serves all.
    seed
        For the first vector.
    """
    made: list[np.ndarray] = []
    start = np.random.default_rng(seed).standard_normal(length, np.float32)
    recurrence(product, start, max(steps), reorthogonalise=False, visit=made.append)
    bases = {}
    for count in steps:
        vectors = np.stack(made[:count])
        squares, axes = np.linalg.eigh(gram(vectors))
        found = squares > THRESHOLD**2 * squares[-1]
        bases[count] = rotate(vectors, (axes[:, found] / np.sqrt(squares[found])).T)
        orthonormalise(bases[count])
    return bases


def pulled_probes(
    apply: Apply, parameters: FlatParameters, images: np.ndarray, num_samples: int, key: jax.Array
) -> Float[np.ndarray, "n S p"]:
    r"""Return :math:`J(x)^T \\epsilon_s` for normal probes of each image's outputs."""
    linearise = lineariser(apply, parameters)
    made = []
    for number, image in enumerate(images.astype(parameters.dtype)):
        jacobian = Jacobian(linearise, parameters, image)
        seed = seed_from(jax.random.fold_in(key, number))
        made.append(jacobian.pull(normals(seed, range(num_samples), jacobian.size, np.float32)))
    return np.stack(made)


def measure(
    pulled: Float[np.ndarray, "n S p"],
    bases: Mapping[int, Float[np.ndarray, "m p"]],
    *,
    kinds: Sequence[str],
    sizes: Sequence[int],
    repeats: int,
) -> pd.DataFrame:
    """Return scores with each basis as sketched, over those with the basis itself.

    The same probes of the outputs serve all, so that only the sketch makes a difference.

    Parameters
    ----------
    pulled
        The probes of each image, from `pulled_probes`.
    bases
        From `krylov_bases`.
    kinds, sizes
        Of the sketches; those that are not larger than a basis are left out.
    repeats
        Independent sketches of each.

    Returns
    -------
    DataFrame
        One row per (sketch, sketch_size, repeat, steps, image): parameters, directions (of the
        basis), removed (the fraction of the plain Jacobian norm inside of it), and two ratios to
        the score without a sketch, published and residual.
    """
    size = pulled.shape[-1]
    plain = np.array([np.sum(one**2, dtype=float) for one in pulled])
    exact = {steps: outside(pulled, basis) for steps, basis in bases.items()}
    rows = []
    for kind, length, repeat in (
        (kind, length, repeat) for kind in kinds for length in sizes for repeat in range(repeats)
    ):
        sketch = make_sketch(kind, size, length, seed=repeat)
        sketched = np.stack([sketch(one) for one in pulled])
        for steps, basis in bases.items():
            if length <= len(basis):
                continue
            q, _ = np.linalg.qr(sketch(basis).T)
            inside = np.sum((sketched @ q) ** 2, axis=(1, 2), dtype=float)
            residual = outside(sketched, q.T) / SketchedBasis(sketch, q.T).kept
            rows += [
                {
                    "parameters": size,
                    "steps": steps,
                    "directions": len(basis),
                    "sketch": kind,
                    "sketch_size": length,
                    "repeat": repeat,
                    "image": image,
                    "removed": 1 - exact[steps][image] / plain[image],
                    "published": (plain[image] - inside[image]) / exact[steps][image],
                    "residual": residual[image] / exact[steps][image],
                }
                for image in range(len(pulled))
            ]
    return pd.DataFrame(rows)


def outside(
    vectors: Float[np.ndarray, "n S p"], basis: Float[np.ndarray, "m p"]
) -> Float[np.ndarray, " n"]:
    """Return the squared length outside of orthonormal rows, summed over each image's probes."""
    return np.array([np.sum((one - (one @ basis.T) @ basis) ** 2, dtype=float) for one in vectors])
