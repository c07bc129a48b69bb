"""What it costs to know that Lanczos pairs are the leading ones, and how often it would go wrong.

    python benchmarks/verification.py --profile quick --runs runs --dataset B

needs that profile's trained network, and writes benchmarks/results/verification-<profile>.json.
"small residuals" is the first step at which a plain iteration has k pairs whose residuals meet the
tolerance; "verified" is where `slugkit.linalg.lanczos` ends. The crowded matrices have 22 rows,
eigenvalues that occur twice, and a start of their own each.
"""

import json
from pathlib import Path

import numpy as np
import trained

from companion.pipeline.provenance import commit, hardware, versions
from slugkit.files import atomic_path
from slugkit.linalg.lanczos import lanczos
from slugkit.linalg.recurrence import Product, recurrence
from slugkit.operators.ggn import ggn_product
from slugkit.operators.parameters import flatten

RESULTS = Path(__file__).parent / "results"
TOLERANCE = 1e-2
CROWDED = np.repeat([9.0, 8.75, 8.625, 8.5, 8.0, 5.0, 4.0, 2.0, 1.5, 1.0, 0.5], 2)


def main() -> None:
    """Measure, print and write."""
    parser = trained.parser(__doc__)
    parser.add_argument("--images", type=int, default=144)
    parser.add_argument("--ranks", type=int, nargs="+", default=[12, 30, 50])
    parser.add_argument("--matrices", type=int, default=1000)
    options = parser.parse_args()
    made = trained.load(options, options.images)
    model, images = made.model, made.train
    parameters = flatten(model.params)
    product = ggn_product(
        model.reconstruct(),
        parameters,
        images,
        batch_size=made.profile.curvature.batch_size,
    )
    rows = [network(product, parameters.size, rank) for rank in options.ranks]
    result = {
        "profile": options.profile,
        "dataset": options.dataset,
        "parameters": parameters.size,
        "images": len(images),
        "tolerance": TOLERANCE,
        "products": rows,
        "crowded": crowded(options.matrices),
        "commit": commit(),
        "hardware": hardware(),
        "packages": versions(),
    }
    print(json.dumps(result["crowded"]))
    with atomic_path(RESULTS / f"verification-{options.profile}.json") as partial:
        partial.write_text(json.dumps(result, indent=1) + "\n")


def network(product: Product, size: int, rank: int) -> dict[str, float]:
    """Return the products that one network takes, without and with the verification."""
    pairs = lanczos(product, size, rank, seed=0, tolerance=TOLERANCE)
    start = np.random.default_rng(0).standard_normal(size, np.float32)
    first = small_residuals(product, start, rank, pairs.num_products, TOLERANCE)
    row = {
        "rank": rank,
        "small_residuals": first,
        "verified": pairs.num_products,
        "converged": pairs.converged,
        "largest_gap": float(np.max((pairs.upper - pairs.values) / pairs.values)),
    }
    print(json.dumps(row), flush=True)
    return row


def small_residuals(
    product: Product, start: np.ndarray, rank: int, most: int, tolerance: float
) -> int | None:
    """Return the first number of steps of one plain iteration that has k small residuals."""
    made = recurrence(product, start, most, reorthogonalise=True)
    matrix = made.matrix()
    for steps in range(rank, len(matrix) + 1):
        if _pairs(matrix, made.off_diagonal, steps, rank, tolerance) is not None:
            return steps
    return None


def crowded(count: int) -> dict[str, int]:
    """Return how often four values are not the leading ones though they seem converged."""
    wrong = {"matrices": count, "small_residuals": 0, "verified": 0, "not_verified": 0}
    wanted = np.sort(CROWDED)[::-1][:4]
    for seed in range(count):
        random = np.random.default_rng(seed)
        q, _ = np.linalg.qr(random.normal(size=(len(CROWDED), len(CROWDED))))
        matrix = (q * CROWDED) @ q.T
        pairs = lanczos(
            lambda v, matrix=matrix: matrix @ v,
            len(CROWDED),
            4,
            seed=seed,
            tolerance=1e-9,
            max_products=len(CROWDED),
            dtype=np.float64,
        )
        off = np.abs(pairs.values - wanted).max() > 1e-6
        wrong["verified"] += int(off and pairs.converged)
        wrong["not_verified"] += int(not pairs.converged)
        start = random.normal(size=len(CROWDED))
        made = recurrence(
            lambda v, matrix=matrix: matrix @ v, start, len(CROWDED), reorthogonalise=True
        )
        for steps in range(4, len(made.diagonal) + 1):
            values = _pairs(made.matrix(), made.off_diagonal, steps, 4, 1e-9)
            if values is not None:
                wrong["small_residuals"] += int(np.abs(values - wanted).max() > 1e-6)
                break
    return wrong


def _pairs(
    matrix: np.ndarray, beyond: np.ndarray, steps: int, rank: int, tolerance: float
) -> np.ndarray | None:
    """Return the leading Ritz values after so many steps, if all their residuals are small."""
    values, coordinates = np.linalg.eigh(matrix[:steps, :steps])
    values = values[::-1][:rank]
    residuals = beyond[steps - 1] * np.abs(coordinates[-1, ::-1][:rank])
    return values if (residuals <= tolerance * values).all() else None


if __name__ == "__main__":
    main()
