"""Find the top eigenvectors of a trained network's generalised Gauss-Newton matrix."""

from typing import TYPE_CHECKING, Any

import jax
import numpy as np
import pandas as pd

from slugkit import slug
from slugkit.estimators.pushforward import Pushforward
from slugkit.model import training
from slugkit.progress import Progress

if TYPE_CHECKING:
    from companion.config import Curvature
    from companion.pipeline.jobs import Job


def run(job: "Job", facts: dict[str, Any]) -> None:
    """Write posterior.npz, eigenpairs.csv and trace.csv; continue from a checkpoint if present."""
    settings, key = job.profile.curvature, jax.random.key(job.seed)
    model = training.load_model(job.file("model.msgpack"), job.profile.architecture())
    images = job.read_array(f"data/train_{job.dataset}.npy")
    with job.checkpoint("lanczos.npz") as checkpoint:
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
            progress=Progress(f"curvature {job.dataset}, seed {job.seed}: product"),
        )
        assert isinstance(posterior, slug.Posterior)
        slug.save(posterior, job.file("posterior.npz"))
        job.save_table("eigenpairs.csv", _eigenpairs(posterior))
        job.save_table("trace.csv", _trace(posterior, images, key, settings))
    facts["num_products"] = posterior.num_products
    facts["converged"] = posterior.converged


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
    posterior: slug.Posterior, images: np.ndarray, key: jax.Array, settings: "Curvature"
) -> pd.DataFrame:
    # Tr(G) is the sum of the leading eigenvalues and of the training images' own SLUG scores.
    rest = slug.score(
        posterior,
        images,
        num_samples=settings.trace_samples,
        key=jax.random.fold_in(key, 1),
        batch_size=settings.batch_size,
        estimator=Pushforward(),
    )
    leading, remaining = float(posterior.eigenvalues.sum()), float(rest.value.sum())
    return pd.DataFrame(
        {
            "products": [posterior.num_products],
            "trace": [leading + remaining],
            "share_of_trace": [leading / (leading + remaining)],
        }
    )
