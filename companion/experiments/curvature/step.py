"""Find the top eigenvectors of a trained network's generalised Gauss-Newton matrix."""

import jax
import numpy as np
import pandas as pd

from companion.config import Curvature, Profile
from companion.paths import RunPaths
from companion.pipeline.provenance import recorded
from companion.pipeline.tables import load_array, save_table
from slugkit import slug
from slugkit.model import training
from slugkit.progress import Progress


def run(profile: Profile, dataset: str, seed: int) -> None:
    """Write posterior.npz, eigenpairs.csv and trace.csv; continue from a checkpoint if present."""
    paths = RunPaths(profile.name)
    source = paths.prepared(seed) / f"train_{dataset}.npy"
    folder = paths.trained(dataset, seed)
    model_file, posterior_file = folder / "model.msgpack", folder / "posterior.npz"
    tables = [folder / "eigenpairs.csv", folder / "trace.csv"]
    settings = profile.curvature
    digest = profile.digest("data", "model", "training", "curvature")
    checkpoint = folder / f"lanczos-{digest}.npz"
    with recorded(
        folder / "curvature.json",
        profile,
        step="curvature",
        inputs=[source, model_file],
        outputs=[posterior_file, *tables],
        dataset=dataset,
        seed=seed,
    ) as facts:
        model = training.load_model(model_file, profile.architecture())
        images, key = load_array(source), jax.random.key(seed)
        posterior = slug.fit(
            model.reconstruct(),
            model.params,
            images,
            rank=settings.rank,
            key=key,
            batch_size=settings.batch_size,
            solver=slug.Lanczos(
                tolerance=settings.tolerance,
                max_products=settings.max_products,
                checkpoint=checkpoint,
            ),
            progress=Progress(f"curvature {dataset}, seed {seed}: product"),
        )
        assert isinstance(posterior, slug.Posterior)
        slug.save(posterior, posterior_file)
        save_table(tables[0], _eigenpairs(posterior))
        save_table(tables[1], _trace(posterior, images, key, settings))
        facts["num_products"] = posterior.num_products
        facts["converged"] = posterior.converged
    checkpoint.unlink(missing_ok=True)


def _eigenpairs(posterior: slug.Posterior) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "rank": range(1, posterior.rank + 1),
            "eigenvalue": posterior.eigenvalues,
            "relative_residual": posterior.residuals / posterior.eigenvalues,
            "relative_gap": posterior.upper / posterior.eigenvalues - 1,
        }
    )


def _trace(
    posterior: slug.Posterior, images: np.ndarray, key: jax.Array, settings: Curvature
) -> pd.DataFrame:
    # Tr(G) is the sum of the leading eigenvalues and of the training images' own SLUG scores.
    rest = slug.score(
        posterior,
        images,
        num_samples=settings.trace_samples,
        key=jax.random.fold_in(key, 1),
        batch_size=settings.batch_size,
    )
    leading, remaining = float(posterior.eigenvalues.sum()), float(rest.value.sum())
    return pd.DataFrame(
        {
            "products": [posterior.num_products],
            "trace": [leading + remaining],
            "share_of_trace": [leading / (leading + remaining)],
        }
    )
