"""The range finder against Lanczos iteration: what both take out, at equal products and equal time.

    python benchmarks/range_finder.py --profile quick --runs runs --dataset B

needs that profile's trained network, and writes benchmarks/results/range-finder-<profile>.json.
Both are asked for the leading k eigenvectors after some number of products. "left" is the fraction
of the squared Jacobian of test images outside of them, over that outside of the exact eigenvectors
of the same number; "correlation" is that of the scores with those by the exact ones. All share
the same probes. Times are processor seconds of one run.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import trained
from scipy.stats import spearmanr

from companion.pipeline.provenance import commit, hardware, versions
from slugkit.files import atomic_path
from slugkit.linalg.lanczos import lanczos
from slugkit.linalg.range_finder import (
    nystrom_pairs,
    orthonormalise,
    random_directions,
    sample_range,
)
from slugkit.linalg.recurrence import recurrence
from slugkit.operators.ggn import ggn_one_pass, ggn_product
from slugkit.operators.jacobian import Jacobian, lineariser
from slugkit.operators.parameters import flatten

RESULTS = Path(__file__).parent / "results"
SEED = 0
# Products for each direction that is wanted.
FACTORS = (1.0, 1.5, 2.0)
EXTRA = 10  # or so many more than directions


def main() -> None:
    """Measure, print and write."""
    parser = trained.parser(__doc__)
    parser.add_argument("--train-images", type=int, default=48)
    parser.add_argument("--test-images", type=int, default=24)
    parser.add_argument("--probes", type=int, default=32)
    parser.add_argument("--ranks", type=int, nargs="+", default=[10, 30, 100, 200])
    options = parser.parse_args()
    network = trained.load(options, options.train_images, options.test_images)
    profile, model, train, test = network.profile, network.model, network.train, network.test
    apply, parameters = model.reconstruct(), flatten(model.params)
    batch_size = profile.curvature.batch_size

    probes = pulled(apply, parameters, test, options.probes)
    most = round(FACTORS[-1] * max(options.ranks))
    product = ggn_product(apply, parameters, train, batch_size=batch_size)
    one_pass = ggn_one_pass(apply, parameters, train, batch_size=batch_size)
    product(probes[0, 0])  # compiles

    vectors: list[np.ndarray] = []
    start = np.random.default_rng(SEED).standard_normal(parameters.size, np.float32)
    made = recurrence(product, start, most, reorthogonalise=True, visit=vectors.append)
    krylov, matrix = np.stack(vectors), made.matrix()
    vectors.clear()
    print(f"p = {parameters.size}, {most} Lanczos steps", flush=True)

    directions = random_directions(SEED, parameters.size, np.float32)
    begin = time.process_time()
    sample = sample_range(one_pass, directions, np.empty_like(krylov))
    per_column = (time.process_time() - begin) / most
    print(f"{most} columns in {per_column * most:.0f} s", flush=True)

    # The package's own, which keeps its vectors in place, is the one that is timed.
    clock = [time.process_time()]
    exact = lanczos(
        product,
        parameters.size,
        max(options.ranks),
        seed=1,
        tolerance=1e-3,
        max_products=most,
        progress=lambda done, total, message: clock.append(time.process_time()),
    )
    lanczos_seconds = clock[-1] - clock[0]
    # Where it ended earlier, it would have gone on at the same pace.
    pace = lanczos_seconds / exact.num_products
    clock += [clock[-1] + pace * (1 + i) for i in range(most + 1 - len(clock))]

    rows = []
    for rank in options.ranks:
        wanted = residual(probes, exact.vectors[:rank])
        whole = float(np.mean(np.sum(probes**2, axis=2)))
        for count in sorted({rank + EXTRA, *(round(factor * rank) for factor in FACTORS)}):
            if count > most:
                continue
            for name, basis, seconds in bases(
                rank, count, krylov, matrix, clock, sample, directions, one_pass, per_column
            ):
                scores = residual(probes, basis)
                rows.append(
                    {
                        "rank": rank,
                        "products": count,
                        "algorithm": name,
                        "left": float(scores.mean()) / whole,
                        "left_over_exact": float(scores.mean() / wanted.mean()),
                        "correlation": float(spearmanr(scores, wanted).statistic),
                        "seconds": seconds,
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
        "eigenvalues": {str(rank): float(exact.values[rank - 1]) for rank in options.ranks},
        "largest_eigenvalue": float(exact.values[0]),
        "exact": {
            "products": exact.num_products,
            "converged": exact.converged,
            "seconds": lanczos_seconds,
            "largest_residual": float((exact.residuals / exact.values).max()),
        },
        "rows": rows,
        "commit": commit(),
        "hardware": hardware(),
        "packages": versions(),
    }
    name = f"range-finder-{options.profile}-{options.dataset}.json"
    with atomic_path(RESULTS / name) as partial:
        partial.write_text(json.dumps(result, indent=1) + "\n")


def pulled(apply, parameters, images, count: int) -> np.ndarray:
    """Return J^T eps (images, probes, p) for the probes of each image."""
    linearise = lineariser(apply, parameters)
    made = []
    for number, image in enumerate(images):
        jacobian = Jacobian(linearise, parameters, image)
        random = np.random.default_rng([SEED, number])
        made.append(jacobian.pull(random.standard_normal((count, jacobian.size), np.float32)))
    return np.stack(made)


def residual(vectors: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """Return the mean squared length outside of orthonormal rows, for each image."""
    return np.array([np.mean(np.sum((one - (one @ basis.T) @ basis) ** 2, 1)) for one in vectors])


def bases(
    rank, count, krylov, matrix, clock, sample, directions, one_pass, per_column
) -> Iterator[tuple[str, np.ndarray, float]]:
    """Yield the name of each algorithm, its k directions after so many products, and its time."""
    begin = time.process_time()
    _, coordinates = np.linalg.eigh(matrix[:count, :count])
    ritz = coordinates[:, ::-1][:, :rank].T.astype(np.float32) @ krylov[:count]
    spent = clock[count] - clock[0] + time.process_time() - begin
    yield "lanczos", ritz, spent

    begin = time.process_time()
    pairs = nystrom_pairs(directions, sample[:count].copy())
    spent = count * per_column + time.process_time() - begin
    yield "range_finder", pairs.vectors[:rank], spent

    half = count // 2
    if half >= rank:
        begin = time.process_time()
        rows = sample[:half].copy()
        orthonormalise(rows)
        again = sample_range(one_pass, rows.__getitem__, np.empty_like(rows))
        pairs = nystrom_pairs(rows.__getitem__, again)
        spent = half * per_column + time.process_time() - begin
        yield "range_finder, power iteration", pairs.vectors[:rank], spent


if __name__ == "__main__":
    main()
