"""The method beside its peers on one network, in one process.

    pip install --group peers
    python benchmarks/peers.py --profile quick

needs that profile's run, and writes benchmarks/results/peers-<profile>.json. Each peer is given the
number of products that our fit took for the same eigenpairs, and is timed on its second call, so
that no compilation is counted.
"""

import argparse
import importlib.metadata
import json
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import traceax
from laplax.curv.ggn import create_ggn_mv
from laplax.curv.lanczos import lanczos_lowrank
from laplax.util.flatten import create_pytree_flattener, wrap_function
from matfree import decomp, eig, stochtrace

from companion.config import MIXED as DATASET
from companion.paths import RunPaths
from companion.pipeline.provenance import commit, hardware
from companion.pipeline.store import load_array
from companion.profiles import load_profile
from slugkit import slug
from slugkit.files import atomic_path
from slugkit.linalg.hutchinson import forms_of, hutchinson
from slugkit.linalg.hutchpp import hutchpp
from slugkit.linalg.xnystrace import xnystrace
from slugkit.linalg.xtrace import xtrace
from slugkit.model import training

RESULTS = Path(__file__).parent / "results"
PEERS = ("jax", "matfree", "traceax", "laplax")
IMAGES, RANK = 32, 10
KEY = jax.random.key(0)
ROWS, PRODUCTS, SEEDS = 400, 60, 20


def second_time(function):
    """Return what the function returns, and the time of its second call."""
    jax.block_until_ready(function())
    start = time.perf_counter()
    made = jax.block_until_ready(function())
    return made, time.perf_counter() - start


def eigenpairs(apply, params, images) -> dict[str, dict[str, object]]:
    """Find the leading eigenvalues with every package, from the same number of products."""

    def ours():
        made = slug.fit(
            apply,
            params,
            images,
            rank=RANK,
            key=KEY,
            batch_size=IMAGES,
            solver=slug.Lanczos(tolerance=1e-4),
        )
        return made.eigenvalues, made.num_products

    (values, products), seconds = second_time(ours)
    found = {"slugkit": {"seconds": seconds, "products": products, "eigenvalues": values}}

    flat, unravel = jax.flatten_util.ravel_pytree(params)

    def ggn(vector):
        _, jvp = jax.linearize(lambda v: apply(unravel(v), images), flat)
        return jax.linear_transpose(jvp, flat)(jvp(vector))[0]

    start = jax.random.normal(KEY, flat.shape)
    matfree = jax.jit(lambda v: eig.eigh_partial(decomp.tridiag_sym(products))(ggn, v)[0])
    made, seconds = second_time(lambda: matfree(start))
    found["matfree"] = {"seconds": seconds, "eigenvalues": np.sort(made)[::-1][:RANK]}

    data = {"input": images, "target": images}
    product = create_ggn_mv(
        lambda input, params: apply(params, input),
        params,
        data,
        vmap_over_data=False,
        loss_hessian_mv=lambda tangent, **_: tangent,
    )
    flatten, unflatten = create_pytree_flattener(params)
    product = wrap_function(product, input_fn=unflatten, output_fn=flatten)

    def laplax():
        return lanczos_lowrank(
            product, key=KEY, layout=flat.size, rank=products, calc_dtype=jnp.float32
        ).S

    made, seconds = second_time(laplax)
    found["laplax"] = {"seconds": seconds, "eigenvalues": np.sort(made)[::-1][:RANK]}
    for one in found.values():
        one["seconds_over_ours"] = one["seconds"] / found["slugkit"]["seconds"]
        off = np.abs(np.asarray(one["eigenvalues"]) / np.asarray(values) - 1)
        one["relative_difference"] = float(off.max())
        one["eigenvalues"] = [float(value) for value in np.asarray(one["eigenvalues"])]
    return found


def traces() -> dict[str, float]:
    """Return the root mean square relative error of traces of one matrix, equal products."""
    random = np.random.default_rng(0)
    q, _ = np.linalg.qr(random.normal(size=(ROWS, ROWS)))
    values = np.arange(1, ROWS + 1) ** -1.5
    matrix = jnp.asarray((q * values) @ q.T, jnp.float32)
    like = jnp.zeros(ROWS)

    def product(rows):
        return rows @ matrix

    def ours(estimate, given=product):
        return lambda key: estimate(given, ROWS, PRODUCTS, key).value

    def with_matfree(integrand, count):
        sampler = stochtrace.sampler_normal(like, num=count)
        estimate = stochtrace.estimator_leave_one_out(integrand, sampler)
        return lambda key: estimate(lambda x: matrix @ x, key)

    def with_traceax(estimator):
        import lineax

        linear = lineax.MatrixLinearOperator(matrix, lineax.positive_semidefinite_tag)
        return lambda key: estimator.estimate(key, linear, PRODUCTS)[0]

    methods = {
        "slugkit hutchinson": ours(hutchinson, forms_of(product)),
        "slugkit hutchpp": ours(hutchpp),
        "slugkit xtrace": ours(xtrace),
        "slugkit xnystrace": ours(xnystrace),
        "matfree xtrace": with_matfree(stochtrace.leave_one_out_xtrace(), PRODUCTS // 2),
        "matfree xnystrace": with_matfree(stochtrace.leave_one_out_xnystrace(), PRODUCTS),
        "traceax hutchpp": with_traceax(traceax.HutchPlusPlusEstimator()),
        "traceax xtrace": with_traceax(traceax.XTraceEstimator()),
        "traceax xnystrace": with_traceax(traceax.XNysTraceEstimator()),
    }
    errors = {}
    for name, method in methods.items():
        made = [float(method(jax.random.key(seed))) / values.sum() - 1 for seed in range(SEEDS)]
        errors[name] = float(np.sqrt(np.mean(np.square(made))))
    return errors


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", default="quick")
    name = parser.parse_args().profile
    profile, paths = load_profile(name), RunPaths(name)
    folder = paths.trained(DATASET, profile.seeds[0])
    model = training.load_model(folder / "model.msgpack", profile.architecture())
    images = load_array(paths.prepared(profile.seeds[0]) / f"train_{DATASET}.npy")[:IMAGES]
    result = {
        "profile": name,
        "images": IMAGES,
        "rank": RANK,
        "eigenpairs": eigenpairs(model.reconstruct(), model.params, np.asarray(images)),
        "relative_error_of_traces": {
            "rows": ROWS,
            "products": PRODUCTS,
            "seeds": SEEDS,
            **traces(),
        },
        "versions": {peer: importlib.metadata.version(peer) for peer in PEERS},
        "commit": commit(),
        "hardware": hardware(),
    }
    print(json.dumps(result, indent=1))
    with atomic_path(RESULTS / f"peers-{name}.json") as partial:
        partial.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
