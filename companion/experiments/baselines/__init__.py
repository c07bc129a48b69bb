"""SLUG beside every system that the paper names, and beside trivial ones."""

from companion.config import Profile
from companion.experiments.baselines.settings import Comparisons
from companion.experiments.data.counts import num_clean_and_objects
from companion.pipeline.cost import Cost, passes, trainings
from companion.pipeline.steps import Page, Scope, Step

# Products with G of one batch that find the stiffest direction of the Bayesian VAE.
STIFFNESS_PRODUCTS = 12


def _cost(profile: Profile) -> list[Cost]:
    settings, training = profile.experiment(Comparisons), profile.training
    count, batch = profile.data.skin.train, profile.scores.batch_size
    tests = 2 * profile.data.skin.test + num_clean_and_objects(profile)
    # The last layer's eigenpairs and, for each of two baselines, the diagonal of G.
    products = profile.curvature.max_products + 2 * settings.curvature_samples
    moves = settings.mcmc_burn_in + settings.num_samples * settings.mcmc_thinning
    return [
        # The first member of the ensemble is there already; one network more has dropout.
        trainings(settings.members, training.epochs, count, training.batch_size),
        Cost("training_step", moves, min(batch, count)),
        passes("ggn_product", products, count, batch),
        passes("ggn_product", settings.sketch_steps, min(settings.sketch_images, count), batch),
        Cost("ggn_product", STIFFNESS_PRODUCTS, min(batch, count)),
        # SLUG, the Jacobian norm, the last layer and SLU; three others only pass forward.
        passes("jacobian_product", 7 * settings.num_samples, tests, batch),
    ]


SETTINGS = (Comparisons,)
STEPS = (
    Step(
        "comparisons",
        Scope.MIXED,
        "companion.experiments.baselines.step:run",
        inputs=(
            "data/train_B.npy",
            "data/test.npy",
            "data/test.csv",
            "data/masks.npy",
            "model.msgpack",
            "posterior.npz",
        ),
        outputs=("comparisons.csv", "costs.csv"),
        settings=("model", "training", "curvature", "scores", "comparisons"),
        priority=2,
        cost=_cost,
        gigabytes=16,
        minutes=1440,
        kept={
            "comparisons.csv": "companion.experiments.baselines.records:compact",
            "costs.csv": "",
        },
    ),
)
PAGES = (Page("comparisons", shows=("comparisons", "scores"), reads_recorded=True),)
