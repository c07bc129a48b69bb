"""How fast and how accurate the method is on a trained network of one profile.

    python benchmarks/method.py --profile quick

needs that profile's run, and writes benchmarks/results/method-<profile>.json. All times are ratios
to bare products of the same function, the same batch and the same run.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from companion.config import MIXED as DATASET
from companion.experiments.estimators.measure import exact_outputs
from companion.paths import RunPaths
from companion.pipeline.provenance import commit, hardware, versions
from companion.pipeline.store import load_array
from companion.profiles import load_profile
from slugkit import slug
from slugkit.files import atomic_path
from slugkit.model import training
from slugkit.operators.ggn import ggn_product
from slugkit.operators.jacobian import Jacobian, lineariser, push
from slugkit.operators.scaled_jacobian import ScaledJacobian

RESULTS = Path(__file__).parent / "results"
KEY = jax.random.key(0)
IMAGES = 64
SAMPLES = 50
REPEATS = 3
SCORED = 16


def seconds(function: Callable[[], object], repeats: int = REPEATS, *, warm: bool = True) -> float:
    """Return the shortest time of several calls, after one that compiles."""
    if warm:
        jax.block_until_ready(function())
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        jax.block_until_ready(function())
        times.append(time.perf_counter() - start)
    return min(times)


def fitting(apply, params, images, rank: int) -> dict[str, object]:
    """Time a fit against its own number of bare products, made from the same jitted functions.

    In turn, since a machine's speed drifts.
    """

    def fit():
        return slug.fit(apply, params, images, rank=rank, key=KEY, batch_size=IMAGES)

    made = fit()
    product = ggn_product(apply, made.parameters, images, batch_size=IMAGES)
    vector = np.asarray(made.parameters.vector)

    def bare():
        for _ in range(made.num_products):
            product(vector)

    pairs = [(seconds(fit, 1, warm=False), seconds(bare, 1, warm=False)) for _ in range(REPEATS)]
    ratios = sorted(whole / part for whole, part in pairs)
    return {
        "products": made.num_products,
        "seconds_and_those_of_bare_products": pairs,
        "ratio": ratios[len(ratios) // 2],
        "ratios": ratios,
    }


def mapping(posterior, images) -> dict[str, float]:
    """Time maps and scores of a batch against as many bare Jacobian-vector products."""
    jvp = lineariser(posterior.apply, posterior.parameters)(jnp.asarray(images))[1]
    vector = posterior.parameters.vector
    bare = seconds(lambda: push(jvp, vector)) * SAMPLES

    def both(count=SAMPLES, chosen=images):
        return slug.score_and_variance(
            posterior, chosen, num_samples=count, key=KEY, batch_size=len(images)
        )

    whole = seconds(both)
    half = len(images) // 2
    return {
        "images": len(images),
        "products": SAMPLES,
        "seconds": whole,
        "seconds_of_bare_products": bare,
        "ratio": whole / bare,
        # 2 would be exactly linear.
        "time_for_twice_the_samples": seconds(lambda: both(2 * SAMPLES)) / whole,
        "time_for_twice_the_images": whole / seconds(lambda: both(SAMPLES, images[:half])),
    }


def accuracy(posterior, image) -> dict[str, object]:
    """Compare the errors of maps, and count the products of a score to 1 % and of equal maps."""
    linearise = lineariser(posterior.apply, posterior.parameters)
    root = ScaledJacobian(posterior, Jacobian(linearise, posterior.parameters, image))
    positions, exact = exact_outputs(root, 512, KEY)

    def error(estimator: str, products: int) -> float:
        made = slug.pixel_variance(
            posterior, image[None], num_samples=products, key=KEY, estimator=estimator
        )
        off = made.value.reshape(-1)[positions] - exact
        return float(np.linalg.norm(off) / np.linalg.norm(exact))

    errors = {
        name: {str(products): error(name, products) for products in (50, 150, 500)}
        for name in ("krylov", "pushforward", "xnysdiag", "bekas")
    }
    bekas = errors["bekas"]["500"]
    return {
        "outputs": root.size,
        "map_errors": errors,
        # Bekas' error falls with the root of the number of products.
        "bekas_products_over_krylov_products": {
            products: 500 * (bekas / errors["krylov"][products]) ** 2 / int(products)
            for products in ("50", "150", "500")
        },
    }


def scoring(posterior, images) -> dict[str, object]:
    """Say how well 100 products know the scores, and how many products 1 % takes."""
    by_hundred = slug.score(posterior, images, key=KEY, estimator="krylov", num_samples=100)
    errors = np.sort(by_hundred.standard_error / by_hundred.value)
    taken = [
        slug.score(
            posterior, image[None], key=KEY, estimator="krylov", relative_error=0.01
        ).num_products
        for image in images
    ]
    return {
        "images": len(images),
        "median_standard_error_at_100_products": float(np.median(errors)),
        "largest_standard_error_at_100_products": float(errors[-1]),
        "share_of_images_below_one_percent": float((errors <= 0.01).mean()),
        "products_to_one_percent": sorted(taken),
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", default="quick")
    name = parser.parse_args().profile
    profile, paths = load_profile(name), RunPaths(name)
    seed = profile.seeds[0]
    folder = paths.trained(DATASET, seed)
    model = training.load_model(folder / "model.msgpack", profile.architecture())
    apply, params = model.reconstruct(), model.params
    train = load_array(paths.prepared(seed) / f"train_{DATASET}.npy")[:IMAGES]
    test = np.asarray(load_array(paths.prepared(seed) / "test.npy")[:IMAGES])
    posterior = slug.load(folder / "posterior.npz", apply, params)
    result = {
        "profile": name,
        "image_size": profile.data.image_size,
        "parameters": posterior.parameters.size,
        "rank": posterior.rank,
        "fit": {str(rank): fitting(apply, params, train, rank) for rank in (10, 20)},
        "map": mapping(posterior, test),
        "accuracy": [accuracy(posterior, image) for image in test[[0, -1]]],
        "score": scoring(posterior, test[:: len(test) // SCORED][:SCORED]),
        "commit": commit(),
        "hardware": hardware(),
        "packages": versions(),
    }
    print(json.dumps(result, indent=1))
    with atomic_path(RESULTS / f"method-{name}.json") as partial:
        partial.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
