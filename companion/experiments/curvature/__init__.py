"""The top eigenvectors of each network's generalised Gauss-Newton matrix."""

from companion.config import Profile
from companion.pipeline.cost import Cost, passes
from companion.pipeline.steps import Page, Scope, Step


def fit_cost(profile: Profile) -> list[Cost]:
    """Return the cost of Lanczos, and of the samples of the trace, which see the same batches."""
    settings, images = profile.curvature, profile.data.skin.train
    return [
        passes("ggn_product", settings.max_products, images, settings.batch_size),
        passes("jacobian_product", settings.trace_samples, images, settings.batch_size),
    ]


CURVATURE = Step(
    "curvature",
    Scope.NETWORK,
    "companion.experiments.curvature.step:run",
    inputs=("data/train_{dataset}.npy", "model.msgpack"),
    outputs=("posterior.npz", "eigenpairs.csv", "trace.csv"),
    settings=("model", "curvature"),
    cost=fit_cost,
    gigabytes=16,
    minutes=1440,
    kept={"eigenpairs.csv": "", "trace.csv": ""},
)

STEPS = (CURVATURE,)
PAGES = (Page("curvature", shows=("curvature",)),)
