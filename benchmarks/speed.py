"""Training steps and products with G of the residual VAE, beside those of PyTorch.

    pip install --group peers
    python benchmarks/speed.py

Every measurement is a process of its own, ours and the peers' in turn, several times; the fastest
of each counts, since whatever else a machine does only ever slows it down. With --threads 1 it is
processor time instead of wall time. Ours runs as the graph starts it, with its memory settings
(`companion.pipeline.graph.KEEP_MEMORY`), and once more without them; with more threads also with a
device of JAX for each core, over which a batch is split. PyTorch runs in the channels_last layout,
as is and with the same settings. Writes benchmarks/results/speed-<threads>.json.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from companion.pipeline.graph import KEEP_MEMORY
from companion.pipeline.provenance import commit, hardware
from slugkit.files import atomic_path
from slugkit.model.vae import Architecture

RESULTS = Path(__file__).parent / "results"
NETWORKS = {
    "32 px, widths 12,16,24": (Architecture(32, (12, 16, 24), "spatial", 16, 0.002), 32),
    "64 px, widths 12,24,24": (Architecture(64, (12, 24, 24), "spatial", 16, 0.002), 32),
    "64 px, widths 16,32,32": (Architecture(64, (16, 32, 32), "spatial", 16, 0.002), 32),
    "128 px, widths 32,64,64,64, 2 blocks": (
        Architecture(128, (32, 64, 64, 64), "spatial", 32, 0.002, blocks=2),
        16,
    ),
}
LARGE = ("128 px, widths 32,64,64,64, 2 blocks",)
REPEATS = 5


def our_step(architecture: Architecture, images: np.ndarray) -> Callable[[], object]:
    """Return one step of training."""
    import jax

    from slugkit.model import training, vae
    from slugkit.operators.batches import repeat, split

    model = vae.initialise(architecture, 0)
    optimiser, step = training.make_step(architecture, 1e-3, 1000)
    state = [model.params, model.batch_stats, optimiser.init(model.params)]
    state = repeat(state, len(images))
    batch, key = split(images), jax.random.key(0)

    def run() -> None:
        *state[:], loss = step(*state, batch, key)
        jax.block_until_ready((state, loss))

    return run


def our_product(architecture: Architecture, images: np.ndarray) -> Callable[[], object]:
    """Return a product with G of four batches, as a fit makes dozens of."""
    from slugkit.model import vae
    from slugkit.operators.ggn import ggn_product
    from slugkit.operators.parameters import flatten

    model = vae.initialise(architecture, 0)
    flat = flatten(model.params)
    product = ggn_product(model.reconstruct(), flat, images, batch_size=32)
    vector = np.random.default_rng(0).normal(size=flat.size).astype(np.float32)
    return lambda: product(vector)


def torch_network(architecture: Architecture, images: np.ndarray):
    """Return the network and the images in PyTorch's layout."""
    import torch

    sys.path.insert(0, str(Path(__file__).parent))
    from torch_vae import VAE

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    tensor = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    tensor = tensor.to(memory_format=torch.channels_last)
    return VAE(architecture).to(memory_format=torch.channels_last), tensor


def torch_step(architecture: Architecture, images: np.ndarray) -> Callable[[], object]:
    """Return one step of training in PyTorch."""
    import torch

    network, tensor = torch_network(architecture, images)
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)

    def run() -> None:
        optimiser.zero_grad()
        network.loss(tensor).backward()
        optimiser.step()

    return run


def torch_func_product(architecture: Architecture, images: np.ndarray) -> Callable[[], object]:
    """Return the product with G by torch.func: one JVP and one VJP for each batch."""
    import torch

    network, tensor = torch_network(architecture, images)
    network.eval()
    params = {name: value.detach() for name, value in network.named_parameters()}
    vector = {name: torch.randn_like(value) for name, value in params.items()}

    def run() -> None:
        for batch in tensor.split(32):

            def apply(params, batch=batch):
                return torch.func.functional_call(network, params, (batch,))

            with torch.no_grad():
                _, tangents = torch.func.jvp(apply, (params,), (vector,))
            torch.func.vjp(apply, params)[1](tangents)

    return run


def curvlinops_product(architecture: Architecture, images: np.ndarray) -> Callable[[], object]:
    """Return the product with G by curvlinops."""
    import torch
    from curvlinops import GGNLinearOperator

    network, tensor = torch_network(architecture, images)
    network.eval()
    data = [(batch, batch) for batch in tensor.split(32)]
    loss = torch.nn.MSELoss(reduction="sum")
    operator = GGNLinearOperator(
        network, loss, list(network.parameters()), data, check_deterministic=False
    )
    vector = torch.randn(operator.shape[1])
    return lambda: operator @ vector


DEVICES = "slugkit, a device for each core"
STEPS = {"slugkit": our_step, DEVICES: our_step, "torch": torch_step}
PRODUCTS = {
    "slugkit": our_product,
    DEVICES: our_product,
    "torch.func": torch_func_product,
    "curvlinops": curvlinops_product,
}


def images_per_second(quantity: str, name: str, network: str) -> float:
    """Measure in this process."""
    architecture, count = NETWORKS[network]
    if quantity == "product":
        count = 128
    side = architecture.image_size
    images = np.random.default_rng(0).random((count, side, side, 3), dtype=np.float32)
    run = (STEPS if quantity == "training step" else PRODUCTS)[name](architecture, images)
    clock = time.process_time if os.environ["OMP_NUM_THREADS"] == "1" else time.perf_counter
    run(), run()
    spans = []
    for _ in range(REPEATS):
        start = clock()
        run()
        spans.append(clock() - start)
    return count / min(spans)


def in_a_process(quantity: str, name: str, network: str, threads: int, keep: bool) -> dict:
    """Measure in a process of its own; return images per second and peak memory."""
    environment = {**os.environ, **(KEEP_MEMORY if keep else {})}
    environment |= {"OMP_NUM_THREADS": str(threads), "NPROC": str(threads)}
    if name == DEVICES:
        environment["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={threads}"
    code = (
        "import json, resource, sys; sys.path.insert(0, sys.argv[1]); import speed; "
        "rate = speed.images_per_second(*sys.argv[2:]); "
        "peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024; "
        "print(json.dumps({'images_per_second': rate, 'peak_memory_megabytes': round(peak)}))"
    )
    arguments = [str(Path(__file__).parent), quantity, name, network]
    made = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(made.stdout.splitlines()[-1])


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--sizes", type=int, nargs="+", default=[32, 64, 128], help="of the images")
    options = parser.parse_args()
    networks = [name for name in NETWORKS if NETWORKS[name][0].image_size in options.sizes]
    cases = [
        (quantity, name, network)
        for quantity, packages in (("training step", STEPS), ("product", PRODUCTS))
        for network in networks
        if quantity == "training step" or network not in LARGE
        for name in packages
        if options.threads > 1 or name != DEVICES
    ]
    best: dict[tuple, dict] = {}
    for _ in range(options.rounds):
        for case in cases:
            for keep in (True, False):
                made = in_a_process(*case, options.threads, keep)
                before = best.get((*case, keep))
                if before is None or made["images_per_second"] > before["images_per_second"]:
                    best[(*case, keep)] = made
                print(*case, "memory kept" if keep else "as is", made, flush=True)
    rows = []
    for quantity, name, network in cases:
        ours = best[quantity, "slugkit", network, True]["images_per_second"]
        for keep in (True, False):
            made = best[quantity, name, network, keep]
            rows.append(
                {
                    "quantity": quantity,
                    "network": network,
                    "package": name,
                    "memory_kept": keep,
                    **made,
                    "slugkit_over_this": ours / made["images_per_second"],
                }
            )
    result = {
        "threads": options.threads,
        "clock": "processor time" if options.threads == 1 else "wall time",
        "rows": rows,
        "networks": {name: asdict(NETWORKS[name][0]) for name in networks},
        "commit": commit(),
        "hardware": hardware(),
    }
    with atomic_path(RESULTS / f"speed-{options.threads}.json") as partial:
        partial.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
