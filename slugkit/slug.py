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
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from slugkit.errors import InputError
from slugkit.estimators import outputs
from slugkit.estimators.krylov import krylov
from slugkit.estimators.pushforward import push_forward
from slugkit.linalg.estimates import Effort, Estimate, ScoreAndVariance, join
from slugkit.linalg.lanczos import Progress, lanczos
from slugkit.linalg.random import seed_from
from slugkit.linalg.sketch import make_sketch, sketched_lanczos
from slugkit.operators import batches as batching
from slugkit.operators import ggn
from slugkit.operators.parameters import FlatParameters, flatten
from slugkit.operators.scaled_jacobian import Root
from slugkit.posterior import Posterior, load, save

__all__ = [
    "Estimate",
    "Posterior",
    "ScoreAndVariance",
    "fit",
    "load",
    "pixel_variance",
    "save",
    "score",
    "score_and_variance",
]

BATCHED = ("pushforward", "deflated")
OF_BOTH = (*BATCHED, "krylov", "exact")
OF_SCORE = (*OF_BOTH, "hutchinson", "hutchpp", "xtrace", "xnystrace")
OF_VARIANCE = (*OF_BOTH, "bekas", "xnysdiag")
DEFAULT_NUM_SAMPLES = 100


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
    subset_size: int | None = None,
    batch_size: int | None = None,
    tolerance: float = 1e-2,
    max_products: int | None = None,
    num_further: int = 0,
    basis: str = "full",
    basis_dtype: str | None = None,
    basis_path: str | os.PathLike[str] | None = None,
    sketch: str = "srft",
    sketch_size: int | None = None,
    num_exact: int = 0,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Posterior:
    r"""Find the leading eigenpairs of the generalised Gauss-Newton matrix of the training images.

    .. math:: G = \frac{n}{m} \sum_{i \le m} J(x_i)^T H(x_i) J(x_i) \approx U \Lambda U^T

    Parameters
    ----------
    apply
        The model: ``apply(params, images)`` returns deterministic outputs whose first axis counts
        the images, for instance the reconstruction from the latent mean. A pure function: it is
        compiled once, and what it closes over must not change afterwards.
    params
        Any pytree of arrays, p numbers in all.
    images
        The training images, shape (n, ...), of a floating type.
    rank
        The number of eigenpairs k; 0 gives the plain Jacobian norm.
    key
        For the random directions and the choice of a subset.
    hessian
        The Hessian of the loss, such as `slugkit.operators.ggn.gaussian`; the identity by default.
    prior_precision
        The precision a of a Gaussian prior, in the units of G; None for the projector.
    parameter_filter
        Takes a leaf's path, such as ``"decoder/conv/kernel"``, and says whether it is uncertain.
    subset_size
        Use so many of the images, m, drawn at random, to stand for all n.
    batch_size
        How many images are linearised at once; 32 by default.
    tolerance
        The largest residual of an eigenpair, and the largest gap below its upper bound, relative to
        its eigenvalue; the bounds are wrong with a probability of at most 1e-4.
    max_products
        The largest number of products with G; 3 k + 20 by default.
    num_further
        Keep so many further Ritz vectors for the estimator "deflated", if there are as many.
    basis
        "full" keeps the eigenvectors. "sketched" takes k steps of a Lanczos iteration that keeps
        its vectors only as sketched (SLU), for where k * p numbers are too many; of the
        estimators, only "hutchinson" for the score works with it.
    basis_dtype
        "bfloat16" keeps the eigenvectors in half the memory.
    basis_path
        A file that holds the eigenvectors instead of the memory.
    sketch
        For a sketched basis: "srft" or "sparse".
    sketch_size
        For a sketched basis: the length s of the sketched vectors.
    num_exact
        For a sketched basis: find and keep so many eigenpairs first, and run the iteration on what
        is left of G (the preconditioned form of SLU).
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
    images = batching.check_images(images)
    parameters = flatten(params, parameter_filter)
    key_subset, key_lanczos, key_sketch = jax.random.split(key, 3)
    projection = None
    if basis == "sketched":
        projection = make_sketch(sketch, parameters.size, sketch_size or 0, seed_from(key_sketch))
    elif basis != "full":
        raise InputError(f"basis is {basis!r}; choose 'full' or 'sketched'")
    _check_options(prior_precision, num_further, num_exact, rank, basis, basis_dtype)
    images, scale = _subset(images.astype(parameters.dtype), subset_size, key_subset)
    output_shape = ggn.check_model(apply, parameters, images, batch_size)
    most = min(parameters.size, len(images) * int(np.prod(output_shape)))
    if not 0 <= rank <= most:
        raise InputError(
            f"rank is {rank}; give a number from 0 (no deflation) to {most}, the smaller of the "
            "numbers of parameters and of outputs"
        )
    product = ggn.ggn_product(
        apply, parameters, images, hessian=hessian, batch_size=batch_size, scale=scale
    )
    pairs = lanczos(
        product,
        parameters.size,
        rank if projection is None else num_exact,
        seed=seed_from(key_lanczos),
        tolerance=tolerance,
        max_products=max_products,
        num_further=num_further,
        dtype=parameters.dtype,
        basis_dtype=basis_dtype,
        basis_path=basis_path,
        checkpoint=checkpoint,
        digest=_digest(parameters, images, hessian, batch_size, scale),
        progress=progress,
    )
    posterior = Posterior(
        apply,
        parameters,
        images.shape[1:],
        pairs.vectors,
        pairs.values,
        pairs.residuals,
        pairs.upper,
        pairs.num_products,
        pairs.converged,
        prior_precision,
        pairs.further,
    )
    if projection is None:
        return posterior
    rest = sketched_lanczos(
        lambda vector: posterior.deflate(product(posterior.deflate(vector))),
        projection,
        rank - num_exact,
        length=parameters.size,
        seed=seed_from(key_sketch) + 1,
        dtype=parameters.dtype,
        progress=progress,
    )
    return replace(
        posterior, sketched=rest.basis, num_products=pairs.num_products + rest.num_products
    )


def score(
    posterior: Posterior,
    images: Any,
    *,
    num_samples: int | None = None,
    key: jax.Array,
    relative_error: float | None = None,
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
        The number S of Jacobian products per image, however the estimator divides them; 100 by
        default, or without a limit where a relative error is given.
    key
        For the random directions.
    relative_error
        Stop as soon as the standard error of each image's score is below this fraction of it.
    batch_size
        How many images are linearised at once; 32 by default.
    estimator
        For whole batches, whose images share the directions: "pushforward", or "deflated", which
        computes the part along the further Lanczos vectors of the fit exactly. For each image in
        its turn: "krylov", by far the most accurate; "exact", as many products as outputs; and for
        comparison "hutchinson" (the paper's), "hutchpp", "xtrace" and "xnystrace".
    progress
        Called as ``progress(done, total, message)``.

    Raises
    ------
    InputError
        An argument, the images or the model's outputs are unusable.

    References
    ----------
    The paper's equations 5 to 7; `slugkit.estimators` and `slugkit.linalg.hutchinson` for the
    estimators.
    """
    _check_name(estimator, OF_SCORE, "score")
    effort = _effort(num_samples, relative_error, score=True, variance=False)
    return _estimate(posterior, images, estimator, effort, key, batch_size, progress)[0]


def pixel_variance(
    posterior: Posterior,
    images: Any,
    *,
    num_samples: int | None = None,
    key: jax.Array,
    relative_error: float | None = None,
    batch_size: int | None = None,
    estimator: str = "pushforward",
    progress: Progress | None = None,
) -> Estimate:
    r"""Estimate the variance of each output of each image.

    .. math:: (J(x) \Sigma J(x)^T)_{ii} \approx \frac{1}{S} \sum_s (J(x) w_s)_i^2

    Parameters as for `score`; the estimators are "pushforward", whose relative standard error is
    :math:`\sqrt{2 / S}` for every pixel, "deflated", "krylov", "exact", and for comparison "bekas"
    (the paper's) and "xnysdiag". The relative error of a map is the root of the sum of its squared
    standard errors, over that of its squared values.

    Raises
    ------
    InputError
        An argument, the images or the model's outputs are unusable.
    """
    _check_name(estimator, OF_VARIANCE, "pixel variance")
    effort = _effort(num_samples, relative_error, score=False, variance=True)
    return _estimate(posterior, images, estimator, effort, key, batch_size, progress)[1]


def score_and_variance(
    posterior: Posterior,
    images: Any,
    *,
    num_samples: int | None = None,
    key: jax.Array,
    relative_error: float | None = None,
    batch_size: int | None = None,
    estimator: str = "pushforward",
    progress: Progress | None = None,
) -> ScoreAndVariance:
    """Estimate scores and pixel variances from the same products.

    Parameters and errors as for `score` and `pixel_variance`; the estimators are those of both.
    """
    _check_name(estimator, OF_BOTH, "score and the pixel variance at once")
    effort = _effort(num_samples, relative_error, score=True, variance=True)
    return ScoreAndVariance(
        *_estimate(posterior, images, estimator, effort, key, batch_size, progress)
    )


def _estimate(
    posterior: Posterior,
    images: Any,
    estimator: str,
    effort: Effort,
    key: jax.Array,
    batch_size: int | None,
    progress: Progress | None,
) -> tuple[Any, Any]:
    """Return the score and the variance, None for what is not wanted."""
    batching.check_batch_size(batch_size)
    if posterior.sketched is not None and estimator != "hutchinson":
        raise InputError(
            f"the estimator {estimator!r} needs the eigenvectors, but the posterior has only a "
            "sketch of them; fit with basis='full', or ask for the score by 'hutchinson'"
        )
    images = batching.check_images(images, posterior.image_shape)
    images = images.astype(posterior.parameters.dtype)
    if estimator in BATCHED:
        num_exact = _num_exact(posterior, effort) if estimator == "deflated" else 0
        return push_forward(
            posterior,
            images,
            effort,
            key,
            num_exact=num_exact,
            batch_size=batch_size,
            progress=progress,
        )
    linearise = ggn.lineariser(posterior.apply, posterior.parameters)
    scores, variances = [], []
    for index, image in enumerate(images):
        root = Root(posterior, linearise, image, index)
        score, variance = _estimate_one(root, estimator, effort, jax.random.fold_in(key, index))
        scores.append(score)
        variances.append(variance)
        if progress is not None:
            progress(index + 1, len(images), f"images by {estimator}")
    return join(scores), join(variances)


def _estimate_one(
    root: Root, estimator: str, effort: Effort, key: jax.Array
) -> tuple[Estimate | None, Estimate | None]:
    """Return the score (1,) and the variance (1, ...) of one image."""
    match estimator:
        case "krylov":
            return krylov(root, effort, key)
        case "exact":
            return outputs.exact(root)
        case "hutchinson":
            return outputs.trace(root, effort, key), None
        case "bekas":
            return None, outputs.diagonal(root, effort, key)
        case "xnysdiag":
            return None, outputs.with_budget(estimator, root, effort, key)
    return outputs.with_budget(estimator, root, effort, key), None


def _num_exact(posterior: Posterior, effort: Effort) -> int:
    if len(posterior.further) == 0:
        raise InputError(
            "the estimator 'deflated' needs further Lanczos vectors, but the posterior has none; "
            "fit with num_further, such as 50"
        )
    # At least half of the products are left for the random part.
    budget = effort.num_products
    return len(posterior.further) if budget is None else min(len(posterior.further), budget // 2)


def _effort(
    num_samples: int | None, relative_error: float | None, *, score: bool, variance: bool
) -> Effort:
    if num_samples is None and relative_error is None:
        num_samples = DEFAULT_NUM_SAMPLES
    if num_samples is not None and num_samples < 1:
        raise InputError(f"num_samples is {num_samples}; give at least 1")
    if relative_error is not None and not 0 < relative_error < 1:
        raise InputError(
            f"relative_error is {relative_error}; give a fraction between 0 and 1, such as 0.05"
        )
    return Effort(num_samples, relative_error, score, variance)


def _check_name(estimator: str, names: tuple[str, ...], purpose: str) -> None:
    if estimator not in names:
        raise InputError(
            f"estimator is {estimator!r}; for the {purpose} choose one of {', '.join(names)}"
        )


def _check_options(
    prior_precision: float | None,
    num_further: int,
    num_exact: int,
    rank: int,
    basis: str,
    basis_dtype: str | None,
) -> None:
    if prior_precision is not None and not 0 < prior_precision < np.inf:
        raise InputError(f"prior_precision is {prior_precision}; give a positive number or None")
    if prior_precision is not None and basis == "sketched":
        raise InputError("prior_precision needs the eigenvectors; fit with basis='full'")
    if num_further < 0:
        raise InputError(f"num_further is {num_further}; give 0 or more")
    if basis_dtype not in (None, "float32", "float64", "bfloat16"):
        raise InputError(f"basis_dtype is {basis_dtype!r}; choose 'float32' or 'bfloat16'")
    if basis == "sketched" and not 0 <= num_exact < rank:
        raise InputError(
            f"num_exact is {num_exact}; give a number from 0 to the rank less one, {rank - 1}"
        )


def _subset(
    images: np.ndarray, subset_size: int | None, key: jax.Array
) -> tuple[np.ndarray, float]:
    """Return some of the images and the factor by which they stand for all."""
    if subset_size is None:
        return images, 1.0
    if not 1 <= subset_size <= len(images):
        raise InputError(
            f"subset_size is {subset_size}; give a number from 1 to that of the images, "
            f"{len(images)}"
        )
    chosen = np.random.default_rng(seed_from(key)).choice(len(images), subset_size, replace=False)
    return images[np.sort(chosen)], len(images) / subset_size


def _digest(
    parameters: FlatParameters,
    images: np.ndarray,
    hessian: ggn.Hessian | None,
    batch_size: int | None,
    scale: float,
) -> str:
    """Identify the matrix G by all that it is made from."""
    digest = hashlib.sha256(np.ascontiguousarray(images).tobytes())
    loss = "identity" if hessian is None else hessian.__qualname__
    options = f"{parameters.digest()}:{parameters.selected}:{loss}:{batch_size}:{scale}"
    digest.update(options.encode())
    return digest.hexdigest()
