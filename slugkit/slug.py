"""Uncertainty of any JAX model of images: a score per image and a map per pixel.

>>> import jax, jax.numpy as jnp
>>> from slugkit import slug
>>> def apply(params, images):
...     return jnp.tanh(images @ params["encode"]) @ params["decode"]
>>> keys = jax.random.split(jax.random.key(0), 4)
>>> params = {
...     "encode": jax.random.normal(keys[0], (6, 2)),
...     "decode": jax.random.normal(keys[1], (2, 6)),
... }
>>> images = jax.random.uniform(keys[2], (20, 6))
>>> posterior = slug.fit(apply, params, images, rank=3, key=keys[3])
>>> slug.score(posterior, images, num_samples=10, key=keys[3]).value.shape
(20,)
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from slugkit import batches as batching
from slugkit import ggn
from slugkit.basis import coefficients, combine
from slugkit.errors import InputError
from slugkit.files import atomic_path
from slugkit.lanczos import Progress, lanczos
from slugkit.parameters import FlatParameters, flatten

# So many directions share one linearisation of a batch.
DIRECTIONS_PER_LINEARISATION = 32


@dataclass(frozen=True)
class Posterior:
    r"""The Gaussian over the parameters that the leading eigenpairs define.

    .. math:: \Sigma = I - U U^T, \quad\text{or}\quad
              \Sigma = \frac{1}{a} \left(I - U \frac{\Lambda}{\Lambda + a} U^T\right)

    the latter for a prior precision a.
    """

    apply: ggn.Apply
    parameters: FlatParameters
    image_shape: tuple[int, ...]
    basis: np.ndarray  # (k, p), one eigenvector per row
    eigenvalues: np.ndarray  # (k,), largest first
    residuals: np.ndarray  # (k,), |G u - l u|
    num_products: int  # products with G that the fit took
    prior_precision: float | None = None

    @property
    def rank(self) -> int:
        """The number of eigenpairs k."""
        return len(self.eigenvalues)

    def colour(self, normals: np.ndarray) -> np.ndarray:
        """Turn standard normal vectors (s, p) into draws from the posterior around its mean."""
        a, along = self.prior_precision, coefficients(self.basis, normals)
        if a is None:
            return normals - combine(along, self.basis, normals.dtype)
        shrink = 1 - np.sqrt(a / (np.maximum(self.eigenvalues, 0) + a))
        rest = normals - combine(along * shrink, self.basis, normals.dtype)
        return rest / normals.dtype.type(np.sqrt(a))


class Estimate(NamedTuple):
    """What was estimated, how well, and at what price."""

    value: np.ndarray
    standard_error: np.ndarray  # of the same shape
    num_products: int  # Jacobian products per image


class ScoreAndVariance(NamedTuple):
    """The scores (n,) and the pixel variances (n, ...) of the same images."""

    score: Estimate
    variance: Estimate


def fit(
    apply: ggn.Apply,
    params: Any,
    images: Any,
    *,
    rank: int = 50,
    key: jax.Array,
    hessian: ggn.Hessian | None = None,
    prior_precision: float | None = None,
    parameter_filter: Callable[[str], bool] | None = None,
    batch_size: int | None = None,
    tolerance: float = 1e-2,
    max_products: int | None = None,
    basis: str = "full",
    checkpoint: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Posterior:
    r"""Find the leading eigenpairs of the generalised Gauss-Newton matrix of the training images.

    .. math:: G = \sum_i J(x_i)^T H(x_i) J(x_i) \approx U \Lambda U^T

    Parameters
    ----------
    apply
        The model: ``apply(params, images)`` returns deterministic outputs whose first axis counts
        the images, for instance the reconstruction from the latent mean.
    params
        Any pytree of arrays, p numbers in all.
    images
        The training images, shape (n, ...), of a floating type.
    rank
        The number of eigenpairs k; 0 gives the plain Jacobian norm.
    key
        For the first Lanczos vector.
    hessian
        The Hessian of the loss, such as `slugkit.ggn.gaussian`; the identity by default.
    prior_precision
        The precision a of a Gaussian prior, in the units of G; None for the projector.
    parameter_filter
        Takes a leaf's path, such as ``"decoder/conv/kernel"``, and says whether it is uncertain.
    batch_size
        How many images are linearised at once; 32 by default.
    tolerance
        The largest residual of an eigenpair, relative to its eigenvalue.
    max_products
        The largest number of products with G; 3 k + 20 by default.
    basis
        "full" keeps the eigenvectors.
    checkpoint
        A file from which an interrupted fit goes on, to the same numbers.
    progress
        Called as ``progress(done, total, message)``.

    Raises
    ------
    InputError
        An argument, the parameters, the images or the model's outputs are unusable.

    References
    ----------
    The paper's section 3.2, equations 1 and 4.
    """
    batching.check_batch_size(batch_size)
    if basis != "full":
        raise InputError(f"basis is {basis!r}; choose 'full'")
    if prior_precision is not None and not prior_precision > 0:
        raise InputError(f"prior_precision is {prior_precision}; give a positive number or None")
    images = batching.check_images(images)
    parameters = flatten(params, parameter_filter)
    images = images.astype(parameters.dtype)
    output_shape = ggn.check_model(apply, parameters, images, batch_size)
    most = min(parameters.size, len(images) * int(np.prod(output_shape)))
    if not 0 <= rank <= most:
        raise InputError(
            f"rank is {rank}; give a number from 0 (no deflation) to {most}, the smaller of the "
            "numbers of parameters and of outputs"
        )
    product = ggn.ggn_product(apply, parameters, images, hessian=hessian, batch_size=batch_size)
    pairs = lanczos(
        product,
        parameters.size,
        rank,
        seed=int(jax.random.bits(key, dtype=jnp.uint32)),
        tolerance=tolerance,
        max_products=max_products,
        dtype=parameters.dtype,
        checkpoint=checkpoint,
        digest=_digest(parameters, images, hessian, batch_size),
        progress=progress,
    )
    return Posterior(
        apply,
        parameters,
        images.shape[1:],
        pairs.vectors,
        pairs.values,
        pairs.residuals,
        pairs.num_products,
        prior_precision,
    )


def score(
    posterior: Posterior,
    images: Any,
    *,
    num_samples: int = 100,
    key: jax.Array,
    batch_size: int | None = None,
    estimator: str = "pushforward",
    progress: Progress | None = None,
) -> Estimate:
    r"""Estimate the SLUG score of each image, the sum of its pixel variances.

    .. math:: \mathrm{SLUG}(x) = \mathrm{Tr}(J(x) \Sigma J(x)^T)
              \approx \frac{1}{S} \sum_s |J(x) w_s|^2, \quad w_s \sim N(0, \Sigma)

    Parameters
    ----------
    posterior
        From `fit` or `load`.
    images
        Shape (n, ...).
    num_samples
        The number S of Jacobian-vector products per image.
    key
        For the directions w, which all images share.
    batch_size
        How many images are linearised at once; 32 by default.
    estimator
        "pushforward".
    progress
        Called as ``progress(done, total, message)``.

    Raises
    ------
    InputError
        An argument, the images or the model's outputs are unusable.

    References
    ----------
    The paper's equations 5 to 7.
    """
    _check_estimator(estimator)
    scores, _ = _push_forward(posterior, images, num_samples, key, batch_size, False, progress)
    return _score(scores)


def pixel_variance(
    posterior: Posterior,
    images: Any,
    *,
    num_samples: int = 100,
    key: jax.Array,
    batch_size: int | None = None,
    estimator: str = "pushforward",
    progress: Progress | None = None,
) -> Estimate:
    r"""Estimate the variance of each output of each image.

    .. math:: (J(x) \Sigma J(x)^T)_{ii} \approx \frac{1}{S} \sum_s (J(x) w_s)_i^2

    Parameters as for `score`. The relative standard error is :math:`\sqrt{2 / S}` for every
    pixel, and no estimate is negative.

    Raises
    ------
    InputError
        An argument, the images or the model's outputs are unusable.
    """
    return score_and_variance(
        posterior,
        images,
        num_samples=num_samples,
        key=key,
        batch_size=batch_size,
        estimator=estimator,
        progress=progress,
    ).variance


def score_and_variance(
    posterior: Posterior,
    images: Any,
    *,
    num_samples: int = 100,
    key: jax.Array,
    batch_size: int | None = None,
    estimator: str = "pushforward",
    progress: Progress | None = None,
) -> ScoreAndVariance:
    """Estimate scores and pixel variances from the same products.

    Parameters and errors as for `score` and `pixel_variance`.
    """
    _check_estimator(estimator)
    scores, total = _push_forward(posterior, images, num_samples, key, batch_size, True, progress)
    assert total is not None
    value = total / num_samples
    error = value * value.dtype.type(np.sqrt(2 / num_samples))
    return ScoreAndVariance(_score(scores), Estimate(value, error, num_samples))


def save(posterior: Posterior, path: str | os.PathLike[str]) -> None:
    """Save a posterior to one file, without the model and its parameters.

    The file is a NumPy archive without pickled objects, and holds a digest of the parameters.
    """
    parameters = posterior.parameters
    header = {
        "format": 1,
        "digest": parameters.digest(),
        "selected": [parameters.names[i] for i in parameters.selected],
        "image_shape": posterior.image_shape,
        "num_products": posterior.num_products,
        "prior_precision": posterior.prior_precision,
    }
    with atomic_path(path) as partial, partial.open("wb") as stream:
        np.savez(
            stream,
            header=json.dumps(header),
            basis=posterior.basis,
            eigenvalues=posterior.eigenvalues,
            residuals=posterior.residuals,
        )


def load(path: str | os.PathLike[str], apply: ggn.Apply, params: Any) -> Posterior:
    """Load a posterior that belongs to the given model and parameters.

    Raises
    ------
    InputError
        The file is no saved posterior, is cut short, or was saved for other parameters.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as saved:
            header = json.loads(str(saved["header"]))
            arrays = {name: saved[name] for name in ("basis", "eigenvalues", "residuals")}
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
    return Posterior(
        apply,
        parameters,
        tuple(header["image_shape"]),
        arrays["basis"],
        arrays["eigenvalues"],
        arrays["residuals"],
        header["num_products"],
        header["prior_precision"],
    )


def _push_forward(
    posterior: Posterior,
    images: Any,
    num_samples: int,
    key: jax.Array,
    batch_size: int | None,
    with_map: bool,
    progress: Progress | None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return |J w|^2 for each sample and image (S, n), and the sums over the samples of (J w)^2."""
    if num_samples < 1:
        raise InputError(f"num_samples is {num_samples}; give at least 1")
    batching.check_batch_size(batch_size)
    images = batching.check_images(images, posterior.image_shape)
    parameters = posterior.parameters
    parts = list(batching.batches(images.astype(parameters.dtype), batch_size))
    linearise = ggn.lineariser(posterior.apply, parameters)
    scores = np.empty((num_samples, len(images)), parameters.dtype)
    total: np.ndarray | None = None
    for first in range(0, num_samples, DIRECTIONS_PER_LINEARISATION):
        samples = range(first, min(first + DIRECTIONS_PER_LINEARISATION, num_samples))
        directions = jnp.asarray(posterior.colour(_normals(key, samples, parameters)))
        for index, batch in enumerate(parts):
            outputs, jvp = linearise(batch.images)
            if first == 0 and not bool(jnp.isfinite(outputs).all()):
                raise InputError(
                    f"the model's outputs are not finite for batch {index} (images {batch.start} "
                    f"to {batch.start + batch.size - 1}); check these images"
                )
            rows = slice(batch.start, batch.start + batch.size)
            if total is None and with_map:
                total = np.zeros((len(images), *outputs.shape[1:]), outputs.dtype)
            part = jnp.zeros_like(outputs) if with_map else None
            for direction, sample in zip(directions, samples, strict=True):
                norms, part = _squares(jvp, direction, part)
                scores[sample, rows] = norms[: batch.size]
            if total is not None and part is not None:
                total[rows] += np.asarray(part)[: batch.size]
            if progress is not None:
                done = first * len(parts) + (index + 1) * len(samples)
                progress(done, num_samples * len(parts), f"{len(images)} images, {samples}")
    return scores, total


@jax.jit
def _squares(
    jvp: ggn.Linear, direction: jax.Array, total: jax.Array | None
) -> tuple[jax.Array, jax.Array | None]:
    squares = jvp(direction) ** 2
    norms = squares.reshape(len(squares), -1).sum(axis=1)
    return norms, None if total is None else total + squares


def _normals(key: jax.Array, samples: range, parameters: FlatParameters) -> np.ndarray:
    """Return standard normal vectors (s, p), each from its own key whatever the block."""
    keys = [jax.random.fold_in(key, sample) for sample in samples]
    draws = [jax.random.normal(one, (parameters.size,), parameters.dtype) for one in keys]
    return np.stack([np.asarray(draw) for draw in draws])


def _score(scores: np.ndarray) -> Estimate:
    """Return mean and standard error over the first axis; a single sample leaves it unknown."""
    count = len(scores)
    if count == 1:
        return Estimate(scores[0], np.full_like(scores[0], np.inf), 1)
    error = scores.std(axis=0, ddof=1) / np.sqrt(count)
    return Estimate(scores.mean(axis=0), error.astype(scores.dtype), count)


def _check_estimator(estimator: str) -> None:
    if estimator != "pushforward":
        raise InputError(f"estimator is {estimator!r}; choose 'pushforward'")


def _digest(
    parameters: FlatParameters,
    images: np.ndarray,
    hessian: ggn.Hessian | None,
    batch_size: int | None,
) -> str:
    """Identify the matrix G by all that it is made from."""
    digest = hashlib.sha256(np.ascontiguousarray(images).tobytes())
    loss = "identity" if hessian is None else hessian.__qualname__
    digest.update(f"{parameters.digest()}:{parameters.selected}:{loss}:{batch_size}".encode())
    return digest.hexdigest()
