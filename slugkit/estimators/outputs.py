"""Scores and pixel variances of one image from probes of its outputs, for comparison."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from slugkit.errors import InputError
from slugkit.linalg import hutchinson
from slugkit.linalg.estimates import Effort, Estimate, mean
from slugkit.linalg.hutchinson import probes
from slugkit.operators.scaled_jacobian import Root
from slugkit.posterior import Posterior

PROBES_PER_BLOCK = 16


def covariance(root: Root) -> Callable[[Any], jax.Array]:
    """Return the product with A = B B^T, which takes two products with the Jacobian per row."""

    def product(vectors: Any) -> jax.Array:
        rows = np.asarray(vectors)
        blocks = range(0, len(rows), PROBES_PER_BLOCK)
        made = [root.push(root.pull(rows[i : i + PROBES_PER_BLOCK])) for i in blocks]
        return jnp.asarray(np.concatenate(made))

    return product


def trace(
    root: Root, effort: Effort, key: jax.Array, *, distribution: str = "gaussian"
) -> Estimate:
    r"""Estimate the score as the paper does.

    .. math:: \mathrm{Tr}(A) \approx \frac{1}{S} \sum_s |g_s|^2, \qquad
              g_s = \Sigma^{1/2} J^T \epsilon_s

    With a sketched basis :math:`|g|^2 - |U_s^T S g|^2` stands for the norm, which may turn out
    negative.

    References
    ----------
    The paper's equation 7.
    """
    made = traces(root, [root.posterior], effort, key, distribution=distribution)
    return made._replace(value=made.value[:, 0], standard_error=made.standard_error[:, 0])


def traces(
    root: Root,
    posteriors: Sequence[Posterior],
    effort: Effort,
    key: jax.Array,
    *,
    distribution: str = "gaussian",
) -> Estimate:
    """Estimate the score under each posterior (1, posteriors), from the same products.

    The posteriors are those of one model, such as bases of several kinds; that of the root is not
    looked at.
    """

    def forms(vectors: np.ndarray) -> np.ndarray:
        pulled = root.pull_back(vectors)
        return np.stack([_squared_norms(one, pulled) for one in posteriors], axis=1)

    return _sample(forms, root, effort, key, distribution, 1)


def diagonal(
    root: Root, effort: Effort, key: jax.Array, *, distribution: str = "gaussian"
) -> Estimate:
    r"""Estimate the pixel variances as the paper does, from :math:`\epsilon \odot A \epsilon`.

    References
    ----------
    The paper's section 3.2, last sentence; Bekas, Kokiopoulou, Saad, Applied Numerical
    Mathematics 57 (2007).
    """
    product = covariance(root)

    def forms(vectors: np.ndarray) -> np.ndarray:
        return (vectors * np.asarray(product(vectors))).reshape(-1, *root.shape)

    return _sample(forms, root, effort, key, distribution, 2)


def with_budget(name: str, root: Root, effort: Effort, key: jax.Array) -> Estimate:
    """Run one of the estimators of `slugkit.linalg.hutchinson` that need to know their budget.

    Raises
    ------
    InputError
        A relative error is asked for, or the budget is too small.
    """
    if effort.num_products is None or effort.relative_error is not None:
        raise InputError(
            f"relative_error is given, but the estimator {name!r} needs num_samples; choose "
            "'pushforward', 'deflated', 'krylov', 'hutchinson' or 'bekas'"
        )
    estimate = getattr(hutchinson, name)
    made = estimate(covariance(root), root.size, effort.num_products // 2, key, dtype=root.dtype)
    shape = (1, *root.shape) if made.value.ndim else (1,)
    value, error = (np.asarray(part).reshape(shape) for part in made[:2])
    return Estimate(value, error, 2 * made.num_products)


def exact(root: Root) -> tuple[Estimate, Estimate]:
    r"""Compute all pixel variances and their sum by D products, :math:`A_{ii} = |B^T e_i|^2`."""
    made = []
    for start in range(0, root.size, PROBES_PER_BLOCK):
        count = min(PROBES_PER_BLOCK, root.size - start)
        made.append(np.sum(root.pull(np.eye(count, root.size, start)) ** 2, axis=1))
    value = np.concatenate(made).reshape(1, *root.shape)
    total = value.sum().reshape(1)
    return (
        Estimate(total, np.zeros_like(total), root.size),
        Estimate(value, np.zeros_like(value), root.size),
    )


def _squared_norms(posterior: Posterior, pulled: np.ndarray) -> np.ndarray:
    """Return the squared norm of Sigma^(1/2) v for each row v."""
    coloured = posterior.colour(pulled)
    norms = np.sum(coloured**2, axis=1)
    if posterior.sketched is None:
        return norms
    return norms - posterior.sketched.norm_inside(coloured)


def _sample(
    forms: Callable[[np.ndarray], np.ndarray],
    root: Root,
    effort: Effort,
    key: jax.Array,
    distribution: str,
    price: int,
) -> Estimate:
    """Average forms of random probes until the effort is spent or its goal reached."""
    made: list[np.ndarray] = []
    while True:
        spent = price * sum(map(len, made))
        count = effort.remaining(spent, price * PROBES_PER_BLOCK) // price
        if count > 0:
            one = jax.random.fold_in(key, len(made))
            # A whole block each time: another shape would be compiled anew.
            block = probes(one, PROBES_PER_BLOCK, root.size, distribution, root.dtype)
            made.append(forms(np.asarray(block)[:count]))
        if not made:
            raise InputError(
                f"num_samples is {effort.num_products}; this estimator needs at least {price}"
            )
        average = mean(np.concatenate(made), price * sum(map(len, made)))
        value, error = (np.asarray(part)[None] for part in average[:2])
        estimate = Estimate(value, error, average.num_products)
        if count == 0 or effort.reached(estimate, estimate):
            return estimate
