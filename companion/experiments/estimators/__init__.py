"""How many Jacobian products a score or a map takes, by every estimator."""

from collections.abc import Iterable

from companion.config import Profile
from companion.experiments.estimators.settings import Estimators
from companion.pipeline.cost import Cost
from companion.pipeline.steps import Page, Scope, Step

# The numbers of estimators of the score and of the map.
NUM_SCORES, NUM_MAPS = 6, 4


def _images(profile: Profile) -> list[tuple[str, int]]:
    """Real images are decoded once more for each additional size."""
    source = profile.data.skin.source
    sizes = profile.experiment(Estimators).most_products
    return [(source, size) for size in sizes if source != "synthetic"]


def _cost(profile: Profile) -> list[Cost]:
    settings, costs = profile.experiment(Estimators), []
    for side, most in settings.most_products.items():
        scale = (side / profile.data.image_size) ** 2
        number = NUM_SCORES * settings.score_repeats * _within(settings.score_budgets, most)
        number += NUM_MAPS * _within(settings.map_budgets, most)
        number += settings.reference_outputs + settings.reference_products
        costs.append(Cost("jacobian_product", settings.images * number, scale))
        if side != profile.data.image_size:
            products = profile.curvature.max_products * settings.train_images
            costs.append(Cost("ggn_product", products, scale))
    images = 2 * settings.spread_images
    costs.append(Cost("ggn_product", images * settings.spread_samples, 1))
    of_maps = min(settings.map_budgets) + settings.reference_outputs
    costs.append(Cost("jacobian_product", images * of_maps, 1))
    return costs


def _within(budgets: Iterable[int], most: int) -> int:
    return sum(budget for budget in budgets if budget <= most)


SETTINGS = (Estimators,)
STEPS = (
    Step(
        "estimators",
        Scope.FIRST,
        "companion.experiments.estimators.step:run",
        inputs=(
            "data/train.csv",
            "data/test.csv",
            "data/test.npy",
            "model.msgpack",
            "posterior.npz",
        ),
        outputs=("estimators.csv", "samples.csv"),
        settings=("model", "curvature", "estimators"),
        code=("slugkit.estimators",),
        images=_images,
        priority=2,
        cost=_cost,
        gigabytes=16,
        minutes=1440,
        kept={"estimators.csv": "", "samples.csv": ""},
    ),
)
PAGES = (Page("estimators", shows=("estimators",), decides_claims=True),)
