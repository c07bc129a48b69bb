"""How SLUG approaches the variance of the whole linearised Laplace approximation.

    python benchmarks/laplace.py --profile quick --runs runs --dataset B

needs that profile's trained network, and writes benchmarks/results/laplace-<profile>.json: for
several prior precisions a, the scores a Tr(J (G + a I)^-1 J^T) of test images, one linear system
for each probe of the outputs, beside SLUG with k eigenvectors, as the projector and with the prior.
The same probes serve all; "ratio" is the mean of the scores over that of the whole.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
import trained
from scipy.stats import pearsonr, rankdata

from companion.experiments.sketch.measure import pulled_probes
from companion.pipeline.provenance import commit, hardware, versions
from slugkit import slug
from slugkit.files import atomic_path
from slugkit.linalg.conjugate_gradients import solve
from slugkit.operators.ggn import ggn_product

RESULTS = Path(__file__).parent / "results"
KEY = jax.random.key(0)


def rank_correlation(name: str, one: np.ndarray, other: np.ndarray) -> dict[str, object]:
    """Return Spearman's correlation over the images, with Fisher's interval."""
    found = pearsonr(rankdata(one), rankdata(other))
    return {
        f"correlation_of_{name}": float(found.statistic),
        f"interval_of_{name}": [float(end) for end in found.confidence_interval()],
    }


def main() -> None:
    """Measure, print and write."""
    parser = trained.parser(__doc__)
    parser.add_argument("--train-images", type=int, default=24)
    parser.add_argument("--test-images", type=int, default=20)
    parser.add_argument("--probes", type=int, default=8)
    parser.add_argument("--ranks", type=int, nargs="+", default=[10, 30, 100])
    options = parser.parse_args()
    network = trained.load(options, options.train_images, options.test_images)
    model, train, test = network.model, network.train, network.test
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
    pulled = pulled_probes(posterior.apply, parameters, test, options.probes, KEY)

    def scores(forms: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        return np.array([np.mean(forms(one)) for one in pulled])

    ranks = [0, *options.ranks]
    projected = {rank: scores(posterior.truncated(rank).squared_norms) for rank in ranks}
    rows = []
    for position in (*options.ranks, None):
        # As large as an eigenvalue; and far below all that are known.
        a = float(posterior.eigenvalues[position - 1 if position else -1]) / (1 if position else 10)
        begin, spent = time.process_time(), 0

        def inverse(vectors: np.ndarray, a: float = a) -> np.ndarray:
            nonlocal spent
            made = [
                solve(product, one, a, posterior.eigenvalues, posterior.basis, tolerance=1e-3)
                for one in vectors
            ]
            spent += sum(one.num_products for one in made)
            return np.array([np.vdot(g, one.vector) for g, one in zip(vectors, made, strict=True)])

        # Of the covariance a (G + a I)^-1, which tends to the projector as SLUG with a prior does.
        whole = a * scores(inverse)
        for rank in ranks:
            weighted = a * scores(posterior.truncated(rank).with_prior(a).squared_norms)
            rows.append(
                {
                    "prior_precision": a,
                    "eigenvalue_number": position,
                    "rank": rank,
                    "whole_over_plain": float(whole.mean() / projected[0].mean()),
                    "ratio_of_projector": float(projected[rank].mean() / whole.mean()),
                    **rank_correlation("projector", projected[rank], whole),
                    "ratio_with_prior": float(weighted.mean() / whole.mean()),
                    **rank_correlation("prior", weighted, whole),
                    "products_for_each_system": spent / (len(test) * options.probes),
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
        "probes": options.probes,
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
