"""The method beside its peers in PyTorch, on one autoencoder with the same weights in both.

    pip install --group peers
    python benchmarks/peers_torch.py

needs no run, and writes benchmarks/results/peers-torch.json. curvlinops gets the product with the
same matrix and SciPy's eigensolver, as its users do; laplace-torch offers no covariance of image
outputs beyond whole Jacobians, so its Jacobians are what a user would build a score from.
"""

import importlib.metadata
import json
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import torch
from curvlinops import GGNLinearOperator, hutchinson_trace
from laplace.curvature import CurvlinopsGGN
from scipy.sparse.linalg import eigsh

from companion.pipeline.provenance import commit, hardware
from slugkit import slug
from slugkit.data.synthesis.synthetic import generate
from slugkit.files import atomic_path
from slugkit.linalg.hutchinson import forms_of, hutchinson
from slugkit.operators.ggn import ggn_product
from slugkit.operators.parameters import flatten

RESULTS = Path(__file__).parent / "results" / "peers-torch.json"
PEERS = ("jax", "torch", "curvlinops-for-pytorch", "laplace-torch")
SIZE, HIDDEN, IMAGES, TESTED, RANK, PRODUCTS = 16, 24, 96, 4, 10, 100
KEY = jax.random.key(0)


def reconstruct(params, images):
    """Two affine maps with a nonlinearity between."""
    hidden = jnp.tanh(images @ params["encode"] + params["bias"])
    return hidden @ params["decode"] + params["offset"]


def models(outputs: int):
    """Return the same weights as a pytree and as a module."""
    random = np.random.default_rng(0)
    encode = (random.normal(size=(outputs, HIDDEN)) / outputs**0.5).astype(np.float32)
    decode = (random.normal(size=(HIDDEN, outputs)) / HIDDEN**0.5).astype(np.float32)
    params = {
        "encode": jnp.asarray(encode),
        "bias": jnp.zeros(HIDDEN),
        "decode": jnp.asarray(decode),
        "offset": jnp.zeros(outputs),
    }
    module = torch.nn.Sequential(
        torch.nn.Linear(outputs, HIDDEN), torch.nn.Tanh(), torch.nn.Linear(HIDDEN, outputs)
    )
    with torch.no_grad():
        for layer, weight in ((module[0], encode), (module[2], decode)):
            layer.weight.copy_(torch.from_numpy(weight.T.copy()))
            layer.bias.zero_()
    return params, module.eval()


def second_time(function):
    """Return what the function returns, and the time of its second call."""
    jax.block_until_ready(function())
    start = time.perf_counter()
    made = jax.block_until_ready(function())
    return made, time.perf_counter() - start


def compare(name: str, ours, theirs, same) -> dict:
    """Time both on their second call."""
    made, seconds = second_time(ours)
    other, other_seconds = second_time(theirs)
    return {
        "peer": name,
        "seconds": seconds,
        "peer_seconds": other_seconds,
        "seconds_over_ours": other_seconds / seconds,
        "relative_difference": same(made, other),
    }


def main() -> None:
    """Measure, print and write."""
    torch.set_num_threads(1)
    outputs = SIZE * SIZE * 3
    images = generate(np.resize([1, 2, 3, 4, 5, 6], IMAGES), SIZE, 0).reshape(IMAGES, outputs)
    params, module = models(outputs)
    tensor = torch.from_numpy(images)
    # The Hessian of the summed squared error is twice the identity.
    operator = GGNLinearOperator(
        module,
        torch.nn.MSELoss(reduction="sum"),
        list(module.parameters()),
        [(tensor, tensor)],
    )
    posterior = slug.fit(
        reconstruct,
        params,
        images,
        rank=RANK,
        key=KEY,
        batch_size=IMAGES,
        solver=slug.Lanczos(tolerance=1e-4),
    )
    parameters = flatten(params)
    product = ggn_product(reconstruct, parameters, images, batch_size=IMAGES)
    as_scipy = operator.to_scipy()

    def ours_of_rows(rows):
        return jnp.stack([jnp.asarray(product(np.asarray(row))) for row in rows])

    def whole_jacobians():
        jacobians, _ = CurvlinopsGGN(module, "regression").jacobians(tensor[:TESTED])
        flat = jacobians.detach().numpy().reshape(TESTED, outputs, -1)
        return np.einsum("ndp,ndp->nd", flat, flat)

    plain = slug.fit(reconstruct, params, images, rank=0, key=KEY)
    results = [
        {
            "quantity": f"{RANK} leading eigenvalues",
            **compare(
                "curvlinops with scipy.sparse.linalg.eigsh",
                lambda: (
                    slug.fit(
                        reconstruct,
                        params,
                        images,
                        rank=RANK,
                        key=KEY,
                        batch_size=IMAGES,
                        solver=slug.Lanczos(tolerance=1e-4),
                    ).eigenvalues
                ),
                lambda: (
                    np.sort(
                        eigsh(
                            as_scipy,
                            k=RANK,
                            tol=1e-4,
                            return_eigenvectors=False,
                            v0=np.ones(len(parameters.vector)),
                        )
                    )[::-1]
                    / 2
                ),
                lambda a, b: float(np.abs(np.asarray(b) / np.asarray(a) - 1).max()),
            ),
        },
        {
            "quantity": f"trace of G by {PRODUCTS} Rademacher probes (another draw each)",
            **compare(
                "curvlinops",
                lambda: hutchinson(forms_of(ours_of_rows), parameters.size, PRODUCTS, KEY).value,
                lambda: float(hutchinson_trace(operator, num_matvecs=PRODUCTS)) / 2,
                lambda a, b: float(abs(b / float(a) - 1)),
            ),
        },
        {
            "quantity": f"pixel variances of {TESTED} images at k = 0, ours by {PRODUCTS} products",
            **compare(
                "laplace-torch (whole Jacobians)",
                lambda: (
                    slug.pixel_variance(plain, images[:TESTED], num_samples=PRODUCTS, key=KEY).value
                ),
                whole_jacobians,
                lambda a, b: float(np.linalg.norm(a - b) / np.linalg.norm(b)),
            ),
            "jacobian_megabytes": TESTED * outputs * parameters.size * 4 / 1e6,
        },
    ]
    result = {
        "parameters": parameters.size,
        "outputs": outputs,
        "images": IMAGES,
        "products_of_fit": posterior.num_products,
        "results": results,
        "versions": {peer: importlib.metadata.version(peer) for peer in PEERS},
        "commit": commit(),
        "hardware": hardware(),
    }
    print(json.dumps(result, indent=1))
    with atomic_path(RESULTS) as partial:
        partial.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
