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
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from slugkit import refusals
from slugkit.checks.arrays import check_images, check_key, check_not_traced
from slugkit.checks.devices import check_devices
from slugkit.checks.model import check_model, explained
from slugkit.checks.numbers import check_count, check_prior_precision
from slugkit.errors import InputError
from slugkit.estimators.budget import Budget, make_budget
from slugkit.estimators.interface import Estimates, Estimator, estimator_of
from slugkit.estimators.pushforward import Pushforward
from slugkit.estimators.sketched_residual import SketchedResidual
from slugkit.image_stream import ImageStream, is_stream
from slugkit.linalg.estimates import Estimate, ScoreAndVariance
from slugkit.linalg.random import seed_from
from slugkit.operators.batches import common_size, outputs_by_batch
from slugkit.operators.ggn import ggn_one_pass, ggn_product
from slugkit.operators.jacobian import Apply
from slugkit.operators.losses import Hessian
from slugkit.operators.parameters import FlatParameters, flatten
from slugkit.operators.program import program_digest
from slugkit.posterior import Posterior, SketchedPosterior
from slugkit.posterior_file import load, save
from slugkit.progress import ProgressCallback
from slugkit.solvers.interface import Problem, Solver, solver_of
from slugkit.solvers.lanczos import Lanczos
from slugkit.solvers.range_finder import RangeFinder
from slugkit.solvers.sketched_lanczos import SketchedLanczos

__all__ = [
    "Estimate",
    "Lanczos",
    "Posterior",
    "RangeFinder",
    "ScoreAndVariance",
    "SketchedLanczos",
    "SketchedPosterior",
    "fit",
    "load",
    "pixel_variance",
    "save",
    "score",
    "score_and_variance",
]


@explained()
def fit(
    apply: Apply,
    params: Any,
    images: Any,
    *,
    rank: int = 50,
    key: jax.Array,
    hessian: Hessian | None = None,
    prior_precision: float | None = None,
    parameter_filter: Callable[[str], bool] | None = None,
    subset_size: int | None = None,
    batch_size: int | None = None,
    solver: Solver | str = "lanczos",
    progress: ProgressCallback | None = None,
) -> Posterior | SketchedPosterior:
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
        The training images, shape (n, ...), of a floating type. A memory map, or anything else
        with a length whose slices are arrays, is read batch by batch in each pass.
    rank
        The number of eigenpairs k; 0 gives the plain Jacobian norm.
    key
        For the random directions and the choice of a subset.
    hessian
        The Hessian of the loss, such as `slugkit.operators.losses.gaussian`; the identity by
        default.
    prior_precision
        The precision a of a Gaussian prior, in the units of G; None for the projector.
    parameter_filter
        Takes a leaf's path, such as ``"decoder/conv/kernel"``, and says whether it is uncertain;
        by default all parameters are, but no statistics, integers and keys among them (see
        `slugkit.operators.parameters.flatten`).
    subset_size
        The number m of images, drawn at random, that stand for all n.
    batch_size
        How many images are linearised at once; 32 by default.
    solver
        How the eigenvectors are found: "lanczos", "range_finder" (one pass over the images),
        "sketched_lanczos" or an object with options, such as
        ``slug.Lanczos(tolerance=1e-3, checkpoint="fit.npz")``.
    progress
        Called as ``progress(done, total, message)``.

    Returns
    -------
    Posterior or SketchedPosterior
        The latter where the basis is kept only as sketched.

    Raises
    ------
    InputError
        An argument, the parameters, the images or the model's outputs are unusable.

    Warns
    -----
    ClusterWarning
        The rank cuts a cluster of equal eigenvalues.

    References
    ----------
    The paper's section 3.2, equations 1 and 4.
    """
    rank = check_count("rank", rank, 0)
    chosen = solver_of(solver)
    problem, seeds = make_problem(
        apply,
        params,
        images,
        rank=rank,
        key=key,
        hessian=hessian,
        prior_precision=prior_precision,
        parameter_filter=parameter_filter,
        subset_size=subset_size,
        batch_size=batch_size,
    )
    return chosen.solve(problem, rank, seeds, progress)


def make_problem(
    apply: Apply,
    params: Any,
    images: Any,
    *,
    rank: int,
    key: jax.Array,
    hessian: Hessian | None = None,
    prior_precision: float | None = None,
    parameter_filter: Callable[[str], bool] | None = None,
    subset_size: int | None = None,
    batch_size: int | None = None,
) -> tuple[Problem, tuple[int, int]]:
    """Return what `fit` gives its solver: the matrix with its model, and the seeds."""
    check_devices()
    check_not_traced("slug.fit", params=params, images=images, key=key)
    batch_size = None if batch_size is None else check_count("batch_size", batch_size)
    prior_precision = check_prior_precision(prior_precision)
    check_key(key)
    streamed = is_stream(images)
    images = images if streamed else check_images(images)
    parameters = flatten(params, parameter_filter)
    if streamed:
        images = ImageStream(images, parameters.dtype)
    key_subset, *keys = jax.random.split(key, 3)
    images, scale = _subset(images, subset_size, key_subset)
    images = images if streamed else images.astype(parameters.dtype)
    # Of a stream, the first batch is looked at; the rest is, as it is read.
    shown = images[: common_size(len(images), batch_size)] if streamed else images
    checked = check_model(apply, parameters, shown, batch_size)
    most = min(parameters.size, len(images) * int(np.prod(checked.output_shape)))
    if rank > most:
        raise refusals.RANK.error(given=rank, most=most)
    if rank == 0:  # then no product looks at the images
        for batch, outputs in outputs_by_batch(apply, parameters.tree, images, batch_size):
            checked.check_batch(batch, outputs)
    arguments: Any = (apply, parameters, images)
    options: Any = {"hessian": hessian, "batch_size": batch_size, "scale": scale}
    problem = Problem(
        apply,
        parameters,
        images.shape[1:],
        prior_precision,
        ggn_product(*arguments, visit=checked.check_batch, **options),
        ggn_one_pass(*arguments, visit=checked.check_batch, **options),
        lambda: _digest(*arguments, **options),
    )
    return problem, (seed_from(keys[0]), seed_from(keys[1]))


def score(
    posterior: Posterior | SketchedPosterior,
    images: Any,
    *,
    num_samples: int | None = None,
    key: jax.Array,
    relative_error: float | None = None,
    batch_size: int | None = None,
    estimator: Estimator | str | None = None,
    progress: ProgressCallback | None = None,
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
        A name or an object with options, such as ``Krylov(exact_fraction=0.5)``. For whole batches,
        whose images share the directions: "pushforward", the default, or "deflated", which computes
        the part along the extra Ritz vectors of the fit exactly. For each image in its turn:
        "krylov", by far the most accurate; "exact", as many products as outputs; and for comparison
        "hutchinson" (the paper's), "hutchpp", "xtrace" and "xnystrace". For a sketched posterior
        "sketched_residual", its default, and for comparison "published_sketch".
    progress
        Called as ``progress(done, total, message)``.

    Returns
    -------
    Estimate
        All sums are in float32 at least; where the model computes in half precision, the standard
        errors include its rounding.

    Raises
    ------
    InputError
        An argument, the images or the model's outputs are unusable.

    Warns
    -----
    CostWarning
        The relative error will take very many products.

    References
    ----------
    The paper's equations 5 to 7; `slugkit.estimators` for the estimators.
    """
    budget = make_budget(num_samples, relative_error, score=True, variance=False)
    made, _ = _estimate(posterior, images, estimator, budget, key, batch_size, progress)
    assert made is not None
    return made


def pixel_variance(
    posterior: Posterior | SketchedPosterior,
    images: Any,
    *,
    num_samples: int | None = None,
    key: jax.Array,
    relative_error: float | None = None,
    batch_size: int | None = None,
    estimator: Estimator | str | None = None,
    progress: ProgressCallback | None = None,
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
    budget = make_budget(num_samples, relative_error, score=False, variance=True)
    _, made = _estimate(posterior, images, estimator, budget, key, batch_size, progress)
    assert made is not None
    return made


def score_and_variance(
    posterior: Posterior | SketchedPosterior,
    images: Any,
    *,
    num_samples: int | None = None,
    key: jax.Array,
    relative_error: float | None = None,
    batch_size: int | None = None,
    estimator: Estimator | str | None = None,
    progress: ProgressCallback | None = None,
) -> ScoreAndVariance:
    """Estimate scores and pixel variances from the same products.

    Parameters and errors as for `score` and `pixel_variance`; the estimators are those of both.
    """
    budget = make_budget(num_samples, relative_error, score=True, variance=True)
    score, variance = _estimate(posterior, images, estimator, budget, key, batch_size, progress)
    assert score is not None
    assert variance is not None
    return ScoreAndVariance(score, variance)


@explained()
def _estimate(
    posterior: Posterior | SketchedPosterior,
    images: Any,
    estimator: Estimator | str | None,
    budget: Budget,
    key: jax.Array,
    batch_size: int | None,
    progress: ProgressCallback | None,
) -> Estimates:
    if estimator is None:
        by_sketch = isinstance(posterior, SketchedPosterior) and not budget.variance
        estimator = SketchedResidual() if by_sketch else Pushforward()
    chosen = estimator_of(estimator, score=budget.score, variance=budget.variance)
    check_devices()
    check_not_traced("slug.score", images=images, key=key)
    batch_size = None if batch_size is None else check_count("batch_size", batch_size)
    check_key(key)
    if not isinstance(posterior, chosen.takes):
        raise InputError(
            f"the estimator {chosen.name!r} needs the eigenvectors, but the posterior has only a "
            "sketch of them; fit with solver='lanczos', or ask for the score alone, by the default "
            "estimator"
            if isinstance(posterior, SketchedPosterior)
            else f"the estimator {chosen.name!r} is for a sketched posterior, and this one has the "
            "eigenvectors; choose 'pushforward'"
        )
    images = check_images(images, posterior.image_shape).astype(posterior.parameters.dtype)
    made = chosen.estimate(posterior, images, budget, key, batch_size=batch_size, progress=progress)
    score, variance = (_with_rounding(one, posterior.rounding) for one in made)
    return score, variance


def _with_rounding(made: Estimate | None, rounding: float) -> Estimate | None:
    """Return an estimate whose error includes the rounding of a model in half precision.

    A product with the Jacobian is off by that fraction of the typical product of its image, and
    its square by twice that.
    """
    if made is None or rounding <= np.finfo(np.float32).eps:
        return made
    value, error = (np.asarray(part, float) for part in made[:2])
    typical = value.mean(axis=tuple(range(1, value.ndim)), keepdims=True)
    error = np.hypot(error, 2 * rounding * np.sqrt(np.abs(value * typical)))
    return made._replace(standard_error=error.astype(made.value.dtype))


def _subset(
    images: np.ndarray | ImageStream, subset_size: int | None, key: jax.Array
) -> tuple[np.ndarray | ImageStream, float]:
    """Return some of the images and the factor by which they stand for all."""
    if subset_size is None:
        return images, 1.0
    subset_size = check_count("subset_size", subset_size)
    if subset_size > len(images):
        raise refusals.SUBSET.error(given=subset_size, most=len(images))
    chosen = np.random.default_rng(seed_from(key)).choice(len(images), subset_size, replace=False)
    positions = np.sort(chosen)
    if isinstance(images, ImageStream):
        some = np.concatenate([images[i : i + 1] for i in positions.tolist()])
    else:
        some = images[positions]
    return some, len(images) / subset_size


def _digest(
    apply: Apply,
    parameters: FlatParameters,
    images: np.ndarray | ImageStream,
    *,
    hessian: Hessian | None,
    batch_size: int | None,
    scale: float,
) -> str:
    """Identify the matrix G by all that it is made from; a stream by its length and its ends."""
    if isinstance(images, ImageStream):
        digest = hashlib.sha256(str(len(images)).encode())
        images = np.concatenate([images[:1], images[-1:]])
    else:
        digest = hashlib.sha256()
    digest.update(np.ascontiguousarray(images).tobytes())
    loss = "identity" if hessian is None else hessian.__qualname__
    options = f"{parameters.digest()}:{parameters.selected}:{loss}:{batch_size}:{scale}"
    options += program_digest(apply, parameters, images.shape[1:])
    digest.update(options.encode())
    return digest.hexdigest()
