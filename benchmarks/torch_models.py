"""Autoencoders of MONAI and diffusers as they are: what a fit of four images takes, and a map.

    pip install -r requirements-torch.lock
    python benchmarks/torch_models.py --before FOLDER

needs no run, and writes benchmarks/results/torch-models.json. Each model runs in a process of its
own; all times are of the processor, compilation included. With `--before`, the same fits of MONAI's
by the package in another folder, such as a checkout of 6bce18b, whose check is not compiled.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from slugkit import slug

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "torch-models.json"
PACKAGES = ("diffusers", "jax", "monai", "torch", "torchax")
KEY = jax.random.key(0)
IMAGES, SIDE, RANK, PRODUCTS = 4, 16, 5, 20


def monai(dimensions: int):
    """Return MONAI's AutoencoderKL for images or volumes."""
    from monai.networks import nets

    model = nets.AutoencoderKL(
        spatial_dims=dimensions,
        in_channels=1,
        out_channels=1,
        channels=(8, 16),
        num_res_blocks=(1, 1),
        attention_levels=(False, False),
        latent_channels=2,
        norm_num_groups=4,
    )
    return model, lambda model, x: model.reconstruct(x), (1, *dimensions * (SIDE,))


def diffusers():
    """Return the AutoencoderKL of diffusers."""
    from diffusers import AutoencoderKL

    model = AutoencoderKL(
        in_channels=1,
        out_channels=1,
        block_out_channels=(8, 16),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        layers_per_block=1,
        latent_channels=2,
        norm_num_groups=4,
    )
    call = lambda model, x: model.decode(model.encode(x).latent_dist.mean).sample  # noqa: E731
    return model, call, (1, SIDE, SIDE)


MODELS = {
    "monai.networks.nets.AutoencoderKL, 2D": lambda: monai(2),
    "monai.networks.nets.AutoencoderKL, 3D": lambda: monai(3),
    "diffusers.AutoencoderKL": diffusers,
}


def function_of(model, call):
    """Return the model as a function of JAX and its parameters, also for the package of before."""
    if importlib.util.find_spec("slugkit.torch"):
        from slugkit.torch import from_torch

        return from_torch(model, call)
    import torch
    import torchax

    class Reconstruction(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model.eval()

        def forward(self, images):
            return call(self.model, images)

    params, function = torchax.extract_jax(Reconstruction().eval())
    return lambda params, images: function(params, (jnp.asarray(images),)), params


def one(name: str) -> dict:
    """Fit one model and make maps, in this process."""
    import torch

    torch.manual_seed(0)
    model, call, shape = MODELS[name]()
    images = np.random.default_rng(0).random((IMAGES, *shape)).astype(np.float32)
    apply, params = function_of(model.eval(), call)
    made = {}

    def timed(part, function):
        def measured(*given, **options):
            start = time.process_time()
            result = function(*given, **options)
            made[f"{part}_seconds"] = time.process_time() - start
            return result

        return measured

    slug.check_model = timed("check", slug.check_model)
    posterior = timed("fit", slug.fit)(apply, params, images, rank=RANK, key=KEY)
    variance = timed("map", slug.pixel_variance)(
        posterior, images[:2], num_samples=PRODUCTS, key=KEY
    )
    expected = call(model, torch.from_numpy(images)).detach().numpy()
    return {
        "parameters": posterior.parameters.size,
        "leaves": len(posterior.parameters.selected),
        "products": posterior.num_products,
        "map": variance.value.shape,
        "difference": float(np.abs(np.asarray(jax.jit(apply)(params, images)) - expected).max()),
        **made,
    }


def in_a_process(name: str, folder: Path) -> dict:
    """Return what `one` returns, with the package in that folder."""
    environment = os.environ | {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", __file__, "--one", name]
    run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    print(name, folder, run.stdout, flush=True)
    return json.loads(run.stdout.splitlines()[-1])


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--one", choices=MODELS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one(options.one)))
        return

    from companion.pipeline.provenance import commit, hardware
    from slugkit.files import atomic_path

    models = {name: in_a_process(name, ROOT) for name in MODELS}
    if options.before:
        for name, found in models.items():
            if not name.startswith("monai"):
                continue
            before = in_a_process(name, options.before)
            for part in ("check", "fit"):
                found[f"{part}_over_before"] = found[f"{part}_seconds"] / before[f"{part}_seconds"]
    result = {
        "images": IMAGES,
        "rank": RANK,
        "products_of_the_map": PRODUCTS,
        "models": models,
        "versions": {package: importlib.metadata.version(package) for package in PACKAGES},
        "commit": commit(),
        "hardware": hardware(),
    }
    with atomic_path(RESULTS) as partial:
        partial.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
