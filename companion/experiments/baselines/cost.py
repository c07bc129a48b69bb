"""What the baselines of one network compute."""

from companion.config import Profile
from companion.experiments.baselines.settings import Comparisons
from companion.experiments.data.counts import num_clean_and_objects
from companion.pipeline.cost import Cost, passes, trainings
from slugkit.baselines.bayesian_vae import STIFFNESS_PRODUCTS, BayesianVAE
from slugkit.baselines.interface import configured
from slugkit.baselines.laplacian_autoencoder import LaplacianAutoencoder
from slugkit.baselines.linearised import SketchedLanczosUncertainty
from slugkit.baselines.retrained import DeepEnsemble


def cost(profile: Profile) -> list[Cost]:
    """Return the cost of one job."""
    settings, training = profile.experiment(Comparisons), profile.training
    count, batch = profile.data.skin.train, profile.scores.batch_size
    tests = 2 * profile.data.skin.test + num_clean_and_objects(profile)
    made = configured(settings.baselines)
    ensemble, slu = made["deep_ensemble"], made["sketched_lanczos"]
    laplace, chain = made["laplacian_autoencoder"], made["bayesian_vae"]
    assert isinstance(ensemble, DeepEnsemble)
    assert isinstance(slu, SketchedLanczosUncertainty)
    assert isinstance(laplace, LaplacianAutoencoder)
    assert isinstance(chain, BayesianVAE)
    steps = slu.num_steps or profile.curvature.rank
    # For each of two baselines, the diagonal of G.
    products = laplace.curvature_samples + chain.curvature_samples
    # The last layer has 3 x 3 weights from each channel to each colour, and products with its
    # matrix pass through no other layer: about a tenth of what one with G takes.
    products += 27 * profile.model.widths[0] // 10
    return [
        # The first member of the ensemble is there already; one network more has dropout.
        trainings(ensemble.members, training.epochs, count, training.batch_size),
        Cost("training_step", chain.num_steps(settings.num_samples), min(batch, count)),
        passes("ggn_product", products, count, batch),
        passes("ggn_product", steps, min(slu.num_images or count, count), batch),
        Cost("ggn_product", STIFFNESS_PRODUCTS, min(batch, count)),
        # SLUG, the Jacobian norm, the last layer and SLU; three others only pass forward.
        passes("jacobian_product", 7 * settings.num_samples + profile.curvature.rank, tests, batch),
    ]
