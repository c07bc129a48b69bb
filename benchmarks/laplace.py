"""How SLUG approaches the variance of the whole linearised Laplace approximation.

    python benchmarks/laplace.py --profile quick --runs runs --dataset B

needs that profile's trained network, and writes benchmarks/results/laplace-<profile>.json: for
several prior precisions a, the scores Tr(J (G + a I)^-1 J^T) of test images by posterior samples,
each from one linear system, beside SLUG with k eigenvectors, as the projector and with the prior.
The same random directions serve all; "ratio" is the mean of the scores over those of the whole.
"""

import argparse
import json
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import spearmanr

from companion.pipeline.provenance import commit, hardware, versions
from companion.profiles import load_profile
from slugkit import slug
from slugkit.files import atomic_path
from slugkit.linalg.conjugate_gradients import solve
from slugkit.linalg.random import normals
from slugkit.model import training
from slugkit.operators.ggn import ggn_product
from slugkit.operators.jacobian import lineariser, pull, push

RESULTS = Path(__file__).parent / "results"
KEY = jax.random.key(0)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--dataset", default="B")
    parser.add_argument("--train-images", type=int, default=24)
    parser.add_argument("--test-images", type=int, default=24)
    parser.add_argument("--samples", type=int, default=32)
    parser.add_argument("--ranks", type=int, nargs="+", default=[10, 30, 100])
    options = parser.parse_args()
    profile = load_profile(options.profile)
    folder = options.runs / options.profile / "seed0"
    model = training.load_model(folder / options.dataset / "model.msgpack", profile.architecture())
    train = np.load(folder / "data" / f"train_{options.dataset}.npy")[: options.train_images]
    test = np.load(folder / "data" / "test.npy")
    test = test[np.linspace(0, len(test) - 1, options.test_images).astype(int)]
    most = max(options.ranks)
    posterior = slug.fit(
        model.reconstruct(),
        model.params,
        train,
        rank=most,
        key=KEY,
        batch_size=len(train),
        solver=slug.Lanczos(tolerance=1e-2, max_products=2 * most),
    )
    assert isinstance(posterior, slug.Posterior)
    parameters = posterior.parameters
    product = ggn_product(posterior.apply, parameters, train, batch_size=len(train))
    linearise = lineariser(posterior.apply, parameters)
    _, of_train = linearise(jnp.asarray(train))
    _, of_test = linearise(jnp.asarray(test))

    directions = normals(0, range(options.samples), parameters.size, np.float32)
    # J^T eta has the covariance G.
    of_data = [
        np.asarray(pull(of_train, jax.random.normal(key, train.shape), parameters.size, np.float32))
        for key in jax.random.split(KEY, options.samples)
    ]

    def scores(vectors: np.ndarray) -> np.ndarray:
        pushed = [np.asarray(push(of_test, jnp.asarray(one))) for one in vectors]
        return np.mean([np.sum(one.reshape(len(test), -1) ** 2, axis=1) for one in pushed], axis=0)

    ranks = [0, *options.ranks]
    projected = {
        rank: scores(posterior.truncated(rank).sqrt_covariance_product(directions))
        for rank in ranks
    }
    rows = []
    for position in (*options.ranks, None):
        # As large as an eigenvalue; and far below all that are known.
        a = float(posterior.eigenvalues[position - 1 if position else -1]) / (1 if position else 10)
        begin, spent, samples = time.process_time(), 0, []
        for w, data in zip(directions, of_data, strict=True):
            right = np.float32(np.sqrt(a)) * w + data
            made = solve(product, right, a, posterior.eigenvalues, posterior.basis)
            samples.append(made.vector)
            spent += made.num_products
        # Of the covariance a (G + a I)^-1, which tends to the projector as SLUG does.
        whole = a * scores(np.stack(samples))
        for rank in ranks:
            prior = posterior.truncated(rank).with_prior(a)
            weighted = a * scores(prior.sqrt_covariance_product(directions))
            rows.append(
                {
                    "prior_precision": a,
                    "eigenvalue_number": position,
                    "rank": rank,
                    "whole_over_plain": float(whole.mean() / projected[0].mean()),
                    "ratio_of_projector": float(projected[rank].mean() / whole.mean()),
                    "correlation_of_projector": float(spearmanr(projected[rank], whole).statistic),
                    "ratio_with_prior": float(weighted.mean() / whole.mean()),
                    "correlation_with_prior": float(spearmanr(weighted, whole).statistic),
                    "products_for_each_sample": spent / options.samples,
                    "processor_seconds": time.process_time() - begin,
                }
            )
            print(json.dumps(rows[-1]), flush=True)
    result = {
        "profile": options.profile,
        "dataset": options.dataset,
        "parameters": parameters.size,
        "train_images": len(train),
        "test_images": len(test),
        "samples": options.samples,
        "eigenvalues": [float(posterior.eigenvalues[rank - 1]) for rank in (1, *options.ranks)],
        "converged": posterior.converged,
        "rows": rows,
        "commit": commit(),
        "hardware": hardware(),
        "packages": versions(),
    }
    with atomic_path(RESULTS / f"laplace-{options.profile}.json") as partial:
        partial.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
