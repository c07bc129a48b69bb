"""How far each estimator of the score and of the map is off, and for how many products."""

from collections.abc import Iterable, Iterator

import jax
import numpy as np
import pandas as pd

from slugkit import slug
from slugkit.linalg.estimates import Estimate
from slugkit.operators.jacobian import Jacobian, lineariser
from slugkit.operators.scaled_jacobian import ScaledJacobian
from slugkit.progress import Progress

SCORES = ("pushforward", "krylov", "hutchinson", "hutchpp", "xtrace", "xnystrace")
MAPS = ("pushforward", "krylov", "bekas", "xnysdiag")


def measure(
    posterior: slug.Posterior,
    images: np.ndarray,
    *,
    score_budgets: Iterable[int],
    map_budgets: Iterable[int],
    score_repeats: int,
    reference_outputs: int,
    reference_products: int,
    key: jax.Array,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Return the relative error of every estimator at every budget, image by image.

    Parameters
    ----------
    posterior
        From `slug.fit`.
    images
        Shape (n, ...).
    score_budgets, map_budgets
        Numbers of Jacobian products.
    score_repeats
        How often each score is estimated, with other random directions; a map is so many estimates
        that once is enough.
    reference_outputs
        The map's reference is exact, at so many outputs drawn at random.
    reference_products
        The score's reference is the Krylov estimate from so many products; where that is at least
        the number of outputs, it is exact instead.
    key
        For all random numbers.
    progress
        Called as ``progress(done, total, message)``.

    Returns
    -------
    DataFrame
        One row per (image, quantity, estimator, budget, repeat): products (those spent), error
        (relative to the reference; for a map in the l2 norm), stated_error (by the estimate itself)
        and reference_error (of the reference itself); and image_size.
    """
    cases = [
        (quantity, name, budget, repeat)
        for quantity, names, budgets, repeats in (
            ("score", SCORES, score_budgets, score_repeats),
            ("map", MAPS, map_budgets, 1),
        )
        for name in names
        for budget in budgets
        for repeat in range(repeats)
    ]
    rows = []
    for index, (image, root) in enumerate(zip(images, _roots(posterior, images), strict=True)):
        key_image = jax.random.fold_in(key, index)
        positions, exact = exact_outputs(root, reference_outputs, key_image)
        reference = _reference_score(posterior, image, root, reference_products, key_image)
        for number, (quantity, name, budget, repeat) in enumerate(cases):
            estimate = (slug.score if quantity == "score" else slug.pixel_variance)(
                posterior,
                image[None],
                num_samples=budget,
                key=jax.random.fold_in(key_image, 1 + number),
                estimator=name,
            )
            if quantity == "score":
                error = abs(float(estimate.value[0] / reference.value[0]) - 1)
            else:
                error = _error_at(positions, estimate.value, exact)
            rows.append(
                {
                    "image_size": image.shape[0],
                    "image": index,
                    "quantity": quantity,
                    "estimator": name,
                    "budget": budget,
                    "repeat": repeat,
                    "products": estimate.num_products,
                    "error": error,
                    "stated_error": _relative(estimate),
                    "reference_error": _relative(reference) if quantity == "score" else 0.0,
                }
            )
            if progress is not None:
                progress(index * len(cases) + number + 1, len(images) * len(cases), name)
    return pd.DataFrame(rows)


def map_errors(
    posterior: slug.Posterior,
    images: np.ndarray,
    maps: np.ndarray,
    *,
    outputs: int,
    key: jax.Array,
    progress: Progress | None = None,
) -> np.ndarray:
    """Return the relative l2 error of each map, at so many outputs drawn at random.

    Parameters
    ----------
    images, maps
        Each (n, ...).
    """
    errors = np.empty(len(images))
    for index, (root, made) in enumerate(zip(_roots(posterior, images), maps, strict=True)):
        positions, exact = exact_outputs(root, outputs, jax.random.fold_in(key, index))
        errors[index] = _error_at(positions, made, exact)
        if progress is not None:
            progress(index + 1, len(images), "against exact outputs")
    return errors


def _roots(posterior: slug.Posterior, images: np.ndarray) -> Iterator[ScaledJacobian]:
    """Give the root of each image's covariance, linearised when it is asked for."""
    linearise = lineariser(posterior.apply, posterior.parameters)
    for image in images:
        pixels = image.astype(posterior.parameters.dtype)
        yield ScaledJacobian(posterior, Jacobian(linearise, posterior.parameters, pixels))


def _error_at(positions: np.ndarray, made: np.ndarray, exact: np.ndarray) -> float:
    off = made.reshape(-1)[positions] - exact
    return float(np.linalg.norm(off) / np.linalg.norm(exact))


def exact_outputs(
    root: ScaledJacobian, count: int, key: jax.Array
) -> tuple[np.ndarray, np.ndarray]:
    """Return positions of outputs drawn at random, and their exact variances."""
    count = min(count, root.size)
    positions = np.sort(np.asarray(jax.random.permutation(key, root.size))[:count])
    exact = np.empty(count)
    for row, position in enumerate(positions):
        unit = np.zeros((1, root.size), root.dtype)
        unit[0, position] = 1
        exact[row] = np.sum(root.pull(unit).astype(float) ** 2)
    return positions, exact


def summary(errors: pd.DataFrame) -> pd.DataFrame:
    """Return the root mean square error over images and repeats, and its spread, at each size."""
    grouped = errors.groupby(["image_size", "quantity", "estimator", "budget"], sort=False)
    made = grouped.agg(products=("products", "max")).reset_index()
    made["error"] = [float(np.sqrt(np.mean(part["error"] ** 2))) for _, part in grouped]
    made["low"] = grouped["error"].min().to_numpy()
    made["high"] = grouped["error"].max().to_numpy()
    return made


def bekas_over_krylov(errors: pd.DataFrame) -> pd.DataFrame:
    r"""Return how many times fewer products the Krylov estimator takes for the same map error.

    .. math:: \frac{m_{\text{Bekas}} (e_{\text{Bekas}} / e_{\text{Krylov}})^2}{m_{\text{Krylov}}}

    The error of a mean of probes falls with the root of their number, so the products that the
    Bekas diagonal would take are known from the largest budget that was tried.

    Returns
    -------
    DataFrame
        One row per budget m of the Krylov estimator, one column per image size.
    """
    made = summary(errors[errors["quantity"] == "map"])
    most = made[made["estimator"] == "bekas"].sort_values("products").groupby("image_size").last()
    ours = made[made["estimator"] == "krylov"].set_index("image_size")
    needed = most["products"] * (most["error"] / ours["error"]) ** 2
    table = ours.assign(ratio=needed / ours["products"]).reset_index()
    return table.pivot_table(index="budget", columns="image_size", values="ratio")


def _reference_score(
    posterior: slug.Posterior,
    image: np.ndarray,
    root: ScaledJacobian,
    products: int,
    key: jax.Array,
) -> Estimate:
    return slug.score(
        posterior,
        image[None],
        num_samples=products,
        key=key,
        estimator="exact" if products >= root.size else "krylov",
    )


def _relative(estimate: Estimate) -> float:
    return float(np.linalg.norm(estimate.standard_error) / np.linalg.norm(estimate.value))
