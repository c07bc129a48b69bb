"""One fit by several processes: each multiplies its part of the images, and the sums are added.

.. math:: G \\Omega = \\sum_{\\text{parts}} G_{\\text{part}} \\Omega

>>> import jax, numpy as np, tempfile
>>> def apply(params, images):
...     return images @ params["kernel"]
>>> params, key = {"kernel": jax.numpy.eye(4)}, jax.random.key(0)
>>> images = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
>>> folder = tempfile.mkdtemp()
>>> shards = [f"{folder}/{number}.npz" for number in range(2)]
>>> for number, path in enumerate(shards):  # each of them in a process of its own
...     _ = save_shard(apply, params, images[number::2], path, rank=2, key=key)
>>> combine_shards(shards, apply, params).rank
2
"""

import json
import os
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax
import numpy as np

from slugkit.checks.model import explained
from slugkit.checks.numbers import check_count
from slugkit.errors import InputError
from slugkit.files import atomic_path
from slugkit.operators.jacobian import Apply
from slugkit.operators.losses import Hessian
from slugkit.operators.parameters import flatten
from slugkit.posterior import Posterior, SketchedPosterior
from slugkit.progress import ProgressCallback
from slugkit.slug import make_problem
from slugkit.solvers.interface import Model
from slugkit.solvers.range_finder import RangeFinder

# What all shards of a fit have in common, and how a message calls it.
COMMON = {
    "parameters": "parameters",
    "selected": "parameter filter",
    "image_shape": "shape of the images",
    "loss": "loss",
    "rank": "rank",
    "seeds": "key",
    "solver": "options of the solver",
}


@explained()
def save_shard(
    apply: Apply,
    params: Any,
    images: Any,
    path: str | os.PathLike[str],
    *,
    rank: int,
    key: jax.Array,
    hessian: Hessian | None = None,
    parameter_filter: Callable[[str], bool] | None = None,
    batch_size: int | None = None,
    solver: RangeFinder | None = None,
    progress: ProgressCallback | None = None,
) -> Path:
    """Save the products of one pass over some of the training images.

    The file takes (rank + oversampling) p numbers, or rank s with a sketch; it is whole or absent.

    Parameters
    ----------
    apply, params, rank, key, hessian, parameter_filter
        As for `slugkit.slug.fit`, the same for every shard.
    images
        Some of the training images, or a stream of them.
    path
        Where the shard is saved.
    batch_size, progress
        As for `slugkit.slug.fit`.
    solver
        With its options, the same for every shard; without power iterations or residuals.

    Raises
    ------
    InputError
        As for `slugkit.slug.fit`; or the solver takes more than one pass.
    """
    solver = solver or RangeFinder()
    if solver.num_power_iterations or solver.residuals:
        raise InputError(
            "num_power_iterations and residuals take further passes over all images, but a shard "
            "has only one; set them to 0 and False"
        )
    rank = check_count("rank", rank, 0)
    problem, seeds = make_problem(
        apply,
        params,
        images,
        rank=rank,
        key=key,
        hessian=hessian,
        parameter_filter=parameter_filter,
        batch_size=batch_size,
    )
    parameters = problem.parameters
    header = {
        "parameters": parameters.digest(),
        "selected": [parameters.names[i] for i in parameters.selected],
        "image_shape": problem.image_shape,
        "loss": "identity" if hessian is None else hessian.__qualname__,
        "rank": rank,
        "seeds": seeds,
        "solver": asdict(solver),
        "images": problem.identify(),
    }
    sample = solver.sample(problem, rank, seeds, progress)
    with atomic_path(path) as partial, partial.open("wb") as stream:
        np.savez(stream, header=json.dumps(header), sample=sample)
    return Path(path)


def combine_shards(
    paths: Sequence[str | os.PathLike[str]],
    apply: Apply,
    params: Any,
    *,
    prior_precision: float | None = None,
) -> Posterior | SketchedPosterior:
    """Return the posterior of all images from the shards of their parts.

    It is that of `slugkit.slug.fit` with the range finder and all images, to rounding errors.

    Parameters
    ----------
    paths
        The shards, in any order.
    apply, params
        As given to `save_shard`.
    prior_precision
        As for `slugkit.slug.fit`.

    Raises
    ------
    InputError
        There is no shard; one is missing, cut short, of the same images as another, or of another
        fit; or they are of other parameters than those given.
    """
    if not paths:
        raise InputError("there are no shards to combine; give the path of at least one")
    first, total = _read(paths[0])
    seen = {first["images"]: paths[0]}
    for path in paths[1:]:
        header, sample = _read(path)
        for name, called in COMMON.items():
            if header[name] != first[name]:
                raise InputError(
                    f"the shards {paths[0]} and {path} do not belong together: they differ in the "
                    f"{called}; make both with the same arguments"
                )
        if header["images"] in seen:
            raise InputError(
                f"the shards {seen[header['images']]} and {path} are of the same images; give each "
                "part of the images once"
            )
        seen[header["images"]] = path
        total += sample
    selected = set(first["selected"])
    parameters = flatten(params, lambda name: name in selected)
    if parameters.digest() != first["parameters"]:
        raise InputError(
            f"the shard {paths[0]} was made with other parameters; give those it was made with"
        )
    model = Model(apply, parameters, tuple(first["image_shape"]), prior_precision)
    seeds = (int(first["seeds"][0]), int(first["seeds"][1]))
    return RangeFinder(**first["solver"]).posterior(model, first["rank"], seeds, total)


def _read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], np.ndarray]:
    try:
        with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return json.loads(str(archive["header"])), archive["sample"]
    except FileNotFoundError as error:
        raise InputError(f"there is no shard at {path}; make it with save_shard") from error
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path} is not a shard or was cut short ({error}); make it again with save_shard"
        ) from error
